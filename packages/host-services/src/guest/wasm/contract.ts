import type { WasmGuest } from "./wasm-guest.ts";

/** The import module of host services. What it has stays as it is; what changes gets another name. */
export const WASM_MODULE = "nex_host_v1";

/** How WebAssembly passes a number. Pointers, lengths, handles, fields: `i32`, read as unsigned. */
export type ParameterType = "i32" | "i64";

/** One function of the import module. */
export interface WasmFunction {
  /** In order, under the names of `docs/host-services-wasm.md` and of the C header. */
  readonly params: Readonly<Record<string, ParameterType>>;
  /** Default `i32`: 0 or more, or one of `ErrorNumber`. */
  readonly result?: "i64";
  /** True for what asks the node: the guest is suspended until the answer is here, the event loop goes on. */
  readonly waits?: true;
  /** Arguments are unsigned numbers or bigints, by `params`. Throws or rejects with NexError. */
  readonly run: (guest: WasmGuest, ...args: never[]) => number | bigint | Promise<number>;
}

export type WasmFunctions = Readonly<Record<string, WasmFunction>>;
