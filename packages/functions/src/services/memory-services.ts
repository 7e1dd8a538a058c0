import type { FunctionServices } from "./function-services.ts";
import { MemoryKeyValue } from "./memory-key-value.ts";

/** Host services without a node, for tests of functions. */
export function memoryServices(): FunctionServices {
  return { kv: new MemoryKeyValue() };
}
