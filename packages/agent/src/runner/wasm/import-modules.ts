import { PREVIEW1, PREVIEW1_FUNCTIONS, preview1Imports } from "../wasi/preview1.ts";
import type { WasiProcess } from "../wasi/wasi-process.ts";
import type { ImportedFunctions } from "./engine.ts";

/** Functions that a WebAssembly module may import under one module name. */
interface ImportModule {
  readonly name: string;
  readonly functions: ReadonlySet<string>;
  /** Made anew for each instance. */
  readonly bind: (process: WasiProcess) => ImportedFunctions;
}

/** All there is to import. What is not here is refused when the module is loaded. */
const IMPORT_MODULES: readonly ImportModule[] = [
  { name: PREVIEW1, functions: PREVIEW1_FUNCTIONS, bind: preview1Imports },
];

export function isImportable(module: string, name: string): boolean {
  return IMPORT_MODULES.some((candidate) => candidate.name === module && candidate.functions.has(name));
}

export function importsFor(process: WasiProcess): Record<string, ImportedFunctions> {
  return Object.fromEntries(IMPORT_MODULES.map(({ name, bind }) => [name, bind(process)]));
}
