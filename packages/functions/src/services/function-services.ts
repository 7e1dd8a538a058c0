import type { Http } from "./http.ts";
import type { KeyValue } from "./key-value.ts";
import type { Messaging } from "./messaging.ts";
import type { ObjectStore } from "./object-store.ts";

/** What a function reaches through its node; nothing else is reachable from a sandbox. */
export interface FunctionServices {
  readonly kv: KeyValue;
  readonly messaging: Messaging;
  readonly objectStore: ObjectStore;
  readonly http: Http;
}
