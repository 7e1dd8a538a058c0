import { bindFunction, WASM_FUNCTIONS, WASM_MODULE, type WasmGuest } from "@nex/host-services/guest";
import { PREVIEW1, PREVIEW1_FUNCTIONS, preview1Import } from "../wasi/preview1.ts";
import type { WasiProcess } from "../wasi/wasi-process.ts";
import {
  type ImportedFunctions,
  type InstanceImports,
  WebAssembly,
  type WasmMemory,
  type WasmModule,
} from "./engine.ts";
import { MEMORY_IMPORT } from "./import-memory.ts";

/** What one instance's imports work on. */
export interface ImportScope {
  readonly process: WasiProcess;
  /** Of modules that import host services. */
  readonly guest?: WasmGuest;
}

/** Functions that a WebAssembly module may import under one module name. */
interface ImportModule {
  readonly name: string;
  readonly functions: ReadonlySet<string>;
  readonly bind: (name: string, scope: ImportScope) => ImportedFunctions[string];
}

const HOST_SERVICES: ImportModule = {
  name: WASM_MODULE,
  functions: new Set(Object.keys(WASM_FUNCTIONS)),
  bind: (name, { guest }) => {
    const definition = WASM_FUNCTIONS[name]!;
    // Instantiated only to see whether it can be, a module calls nothing.
    const bound = guest === undefined ? () => 0 : bindFunction(name, definition, guest);
    return definition.waits === true ? new WebAssembly.Suspending(bound) : bound;
  },
};

/** All there is to import. What is not here is refused when the module is loaded. */
const IMPORT_MODULES: readonly ImportModule[] = [
  { name: PREVIEW1, functions: PREVIEW1_FUNCTIONS, bind: (name, { process }) => preview1Import(name, process) },
  HOST_SERVICES,
];

export const IMPORT_MODULE_NAMES: readonly string[] = IMPORT_MODULES.map(({ name }) => name);

export function isImportable(module: string, name: string): boolean {
  return IMPORT_MODULES.some((candidate) => candidate.name === module && candidate.functions.has(name));
}

/** What one module imports, looked up once; made anew for each instance. */
export class ModuleImports {
  readonly #wanted: readonly (readonly [module: ImportModule, names: readonly string[]])[];

  /** @param module checked already: it imports nothing else */
  constructor(module: WasmModule) {
    const imports = WebAssembly.Module.imports(module);
    this.#wanted = IMPORT_MODULES.map((each) => {
      const names = imports.filter((found) => found.module === each.name).map((found) => found.name);
      return [each, [...new Set(names)]] as const;
    }).filter(([, names]) => names.length > 0);
  }

  /** True if instances may have to be suspended. */
  get hasHostServices(): boolean {
    return this.#wanted.some(([module]) => module === HOST_SERVICES);
  }

  /** @param memory for a module that has one */
  bind(scope: ImportScope, memory: WasmMemory | undefined): Record<string, InstanceImports> {
    const bound: Record<string, InstanceImports> = {};
    if (memory !== undefined) bound[MEMORY_IMPORT.module] = { [MEMORY_IMPORT.name]: memory };
    for (const [{ name: module, bind }, names] of this.#wanted) {
      const functions: ImportedFunctions = {};
      for (const name of names) functions[name] = bind(name, scope);
      bound[module] = functions;
    }
    return bound;
  }
}
