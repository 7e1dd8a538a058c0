/** The sandbox's side of host services: what functions call. */
export { BlockingClient } from "./blocking-client.ts";
export { moduleServices } from "./registry.ts";
export { stackOfText } from "./script-call.ts";
export { scriptServices } from "./script-registry.ts";
export { ServiceClient, type ServiceClientOptions } from "./service-client.ts";
export { UnreadBodies } from "./unread-bodies.ts";
export { WASM_FUNCTIONS } from "./wasm-registry.ts";
export { bindFunction, type BoundFunction } from "./wasm/bind.ts";
export { WASM_MODULE } from "./wasm/contract.ts";
export { type LinearMemory, WasmGuest } from "./wasm/wasm-guest.ts";
