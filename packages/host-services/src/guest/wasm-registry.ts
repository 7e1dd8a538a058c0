import { httpFunctions } from "../http/wasm.ts";
import { kvFunctions } from "../kv/wasm.ts";
import { messagingFunctions } from "../messaging/wasm.ts";
import { objectStoreFunctions } from "../object-store/wasm.ts";
import type { WasmFunctions } from "./wasm/contract.ts";
import { resultFunctions } from "./wasm/result-functions.ts";

/** All that a WebAssembly function may import of host services; `docs/host-services-wasm.md` has each of them. */
export const WASM_FUNCTIONS: WasmFunctions = {
  ...resultFunctions,
  ...kvFunctions,
  ...messagingFunctions,
  ...objectStoreFunctions,
  ...httpFunctions,
};
