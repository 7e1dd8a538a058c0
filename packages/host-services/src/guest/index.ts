/** The sandbox's side of host services: what functions call. */
export { BlockingClient } from "./blocking-client.ts";
export { moduleServices } from "./registry.ts";
export { scriptServices } from "./script-registry.ts";
export { ServiceClient, type ServiceClientOptions } from "./service-client.ts";
