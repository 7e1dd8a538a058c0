/** The sandbox's side of host services: what functions call. */
export { moduleServices } from "./registry.ts";
export { ServiceClient, type ServiceClientOptions } from "./service-client.ts";
