import type { FunctionServices } from "./function-services.ts";
import { MemoryKeyValue } from "./memory-key-value.ts";
import { MemoryMessaging } from "./memory-messaging.ts";
import { MemoryObjectStore } from "./memory-object-store.ts";
import { serviceError } from "./service-error.ts";

/**
 * Host services without a node, for tests of functions: stores in memory, nobody subscribed to anything, no network.
 * What answers requests is a test's own affair: `services: { messaging: { … } }`.
 */
export function memoryServices(): FunctionServices {
  return {
    kv: new MemoryKeyValue(),
    objectStore: new MemoryObjectStore(),
    messaging: new MemoryMessaging(),
    http: {
      fetch: async () => {
        throw serviceError("http_denied", "There is no network in a test; give the function an `http` of your own.");
      },
    },
  };
}
