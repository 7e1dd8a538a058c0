import { NexError } from "@nex/protocol";
import { WASM_MODULE } from "@nex/host-services/guest";
import { WebAssembly, type WasmImport, type WasmModule } from "./engine.ts";
import { IMPORT_MODULE_NAMES, isImportable } from "./import-modules.ts";

/** As many imports as a message names. */
const NAMED = 5;

/**
 * Checks that a module is a WASI command this runner can start: it exports `_start` and its memory, and imports
 * nothing else than what there is.
 * @param hasOwnMemory its last import is the memory that it declared
 * @throws NexError `invalid_artifact`
 */
export function checkCommand(module: WasmModule, hasOwnMemory: boolean): void {
  const imports = WebAssembly.Module.imports(module).slice(0, hasOwnMemory ? -1 : undefined);
  const missing = imports.filter((found) => found.kind !== "function" || !isImportable(found.module, found.name));
  if (missing.length > 0) throw refuseImports(missing);
  const exports = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  if (exports.get("_start") !== "function") throw refuseEntry(exports);
  if (imports.length > 0 && exports.get("memory") !== "memory") {
    throw new NexError(
      "invalid_artifact",
      'The module does not export its memory under the name "memory", so what it imports could not reach it. Link it without hiding the export.',
    );
  }
}

function refuseImports(missing: readonly WasmImport[]): NexError {
  const names = missing.map(
    ({ module, name, kind }) => `${module}.${name}${kind === "function" ? "" : ` (a ${kind})`}`,
  );
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  const hint = missing.map(hintFor).find((found) => found !== undefined);
  return new NexError(
    "invalid_artifact",
    `The module imports ${names.slice(0, NAMED).join(", ")}${rest}, which is not there: functions may import those of ${IMPORT_MODULE_NAMES.join(" and ")}.${hint === undefined ? "" : ` ${hint}`}`,
    { data: { imports: names.slice(0, 100) } },
  );
}

/** What usually is behind an import that is not there. */
function hintFor({ module, name, kind }: WasmImport): string | undefined {
  if (kind === "memory") return "Let the module declare its memory itself (wasm-ld: without --import-memory).";
  if (module.startsWith("nex"))
    return `The host services are in ${WASM_MODULE}; docs/host-services-wasm.md lists them.`;
  if (module === "wasi") return "Functions have one thread: build without threads (target wasm32-wasip1).";
  if (module === "wasi_unstable") return "That is WASI preview 0: build it again with tools that target preview 1.";
  if (module.startsWith("wasi:"))
    return "That is WASI preview 2: build it for preview 1 (Rust: wasm32-wasip1, TinyGo and Go: wasip1).";
  if (module === "go" || module === "gojs")
    return "Go builds for browsers with GOOS=js: build with GOOS=wasip1 GOARCH=wasm.";
  if (module === "env" && name === "abort") return "AssemblyScript: give abort a body of your own with --use abort=….";
  if (module === "env") return "A function that the linker did not find becomes such an import: is a library missing?";
  if (module.includes("wbindgen")) return "wasm-bindgen builds for browsers: build a plain program for wasm32-wasip1.";
  return undefined;
}

function refuseEntry(exports: ReadonlyMap<string, string>): NexError {
  const why = exports.has("_initialize")
    ? "It is a reactor (it exports _initialize), and functions are commands: build it as a program with a main function, not as a library."
    : "Build it as a program with a main function (C: without -nostartfiles or --no-entry; Rust: a binary; AssemblyScript: --exportStart _start).";
  return new NexError("invalid_artifact", `The module has no _start function, so it is not a WASI command. ${why}`, {
    data: { exports: [...exports.keys()].slice(0, 100) },
  });
}
