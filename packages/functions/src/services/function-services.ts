import type { KeyValue } from "./key-value.ts";

/** What a function reaches through its node; nothing else is reachable from a sandbox. */
export interface FunctionServices {
  readonly kv: KeyValue;
}
