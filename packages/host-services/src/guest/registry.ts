import type { FunctionServices } from "@nex/functions";
import { HttpClient } from "../http/guest.ts";
import { KeyValueClient } from "../kv/guest.ts";
import { MessagingClient } from "../messaging/guest.ts";
import { ObjectStoreClient } from "../object-store/guest.ts";
import type { ServiceClient } from "./service-client.ts";

/**
 * What a function of the module form finds in its context. A new service is a folder and a line here and in
 * `host/registry.ts`.
 */
export function moduleServices(client: ServiceClient): FunctionServices {
  return {
    kv: new KeyValueClient(client),
    messaging: new MessagingClient(client),
    objectStore: new ObjectStoreClient(client),
    http: new HttpClient(client),
  };
}
