import { NexError } from "@nex/protocol";
import type { ParameterType, WasmFunction } from "./contract.ts";
import type { WasmGuest } from "./wasm-guest.ts";

type Argument = number | bigint;

/** As the engine calls it. */
export type BoundFunction = (...args: Argument[]) => Argument | Promise<number>;

/**
 * One function for one guest.
 * @throws NexError when it is called, for a guest that has declared it with other parameters: that ends the guest
 */
export function bindFunction(name: string, { params, run }: WasmFunction, guest: WasmGuest): BoundFunction {
  const types = Object.values(params);
  return (...args) => {
    if (!fits(args, types)) throw wrongSignature(name, types);
    const unsigned = args.map((arg) => (typeof arg === "bigint" ? BigInt.asUintN(64, arg) : arg >>> 0));
    return guest.attempt(() => run(guest, ...(unsigned as never[])));
  };
}

function fits(args: readonly Argument[], types: readonly ParameterType[]): boolean {
  if (args.length !== types.length) return false;
  for (const [index, type] of types.entries())
    if (typeof args[index] !== (type === "i64" ? "bigint" : "number")) return false;
  return true;
}

function wrongSignature(name: string, types: readonly ParameterType[]): NexError {
  return new NexError(
    "function_failed",
    `The module has declared the import "${name}" with other parameters than it has: (${types.join(", ")}).`,
  );
}
