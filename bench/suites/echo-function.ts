import { buildC, missingCCompiler } from "@nex/testing";
import type { System } from "../system.ts";
import { WASM_ECHO } from "./wasm-programs.ts";

/** The function that stands against the bare echo: it does nothing but answer what it was sent. */
export const ECHO_FUNCTION = "export default (event) => event.bytes();\n";

/** The same as each kind of function. */
export interface EchoFunction {
  /** Ends the keys of its figures. */
  readonly key: string;
  /** Ends their titles. */
  readonly title: string;
  readonly subject: string;
  readonly source: () => string | Promise<Uint8Array>;
}

const MODULE: EchoFunction = { key: "", title: "", subject: "bench.function", source: () => ECHO_FUNCTION };

const SCRIPT: EchoFunction = {
  key: "_script",
  title: ", script form",
  subject: "bench.script",
  source: () => "(subject, payload) => payload\n",
};

const WASM: EchoFunction = {
  key: "_wasm",
  title: ", WebAssembly",
  subject: "bench.wasm",
  source: async () => await buildC(WASM_ECHO, ["-O2"]),
};

/** The kinds that start afresh for each message; WebAssembly where there is a C compiler. */
export function freshEchoes(): readonly EchoFunction[] {
  return missingCCompiler() === undefined ? [SCRIPT, WASM] : [SCRIPT];
}

/** Deploys it, waits until the node has its pool full again, and returns its subject. */
export async function deployEcho(system: System, { key, subject, source }: EchoFunction = MODULE): Promise<string> {
  await system.deploy({ name: `echo${key.replace("_", "-")}`, subject, source: await source() });
  await system.whenCalm();
  return subject;
}
