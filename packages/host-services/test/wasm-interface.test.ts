import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { WASM_FUNCTIONS, WASM_MODULE } from "@nex/host-services/guest";
import { ErrorNumber, NumberField, TextField } from "../src/guest/wasm/results.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** The import module, as a line for each function: `name(parameter: type, …): type`. */
const FUNCTIONS = Object.entries(WASM_FUNCTIONS)
  .map(([name, { params, result = "i32" }]) => lineOf(name, Object.entries(params), result))
  .sort();

function lineOf(name: string, params: readonly (readonly [name: string, type: string])[], result: string): string {
  return `${name}(${params.map(([param, type]) => `${param}: ${type}`).join(", ")}): ${result}`;
}

/** Types of C and AssemblyScript as WebAssembly's. */
function wasmType(type: string): string {
  if (/^u?int64_t$|^[iu]64$/.test(type)) return "i64";
  assert.match(type, /^(u?int32_t|[iu]32|usize|(const )?(char|void) \*)$/);
  return "i32";
}

function headerFunctions(): string[] {
  const text = read("examples/wasm-host-services/c/nex.h");
  const declarations = [...text.matchAll(/^NEX_IMPORT\((\w+)\) (\w+) nex_(\w+)\((.*)\);$/gm)];
  return declarations.map(([, imported, result, name, params]) => {
    assert.equal(imported, name);
    const split = params === "void" ? [] : params!.split(", ");
    const pairs = split.map((param) => {
      const [, type, own] = /^(.*?[ *])(\w+)$/.exec(param)!;
      return [own!, wasmType(type!.trim())] as const;
    });
    return lineOf(name!, pairs, wasmType(result!));
  });
}

function assemblyScriptFunctions(): string[] {
  const text = read("examples/wasm-host-services/assemblyscript/assembly/nex.ts");
  const declaration = /^@external\("(\w+)", "(\w+)"\)\nexport declare function (\w+)\((.*)\): (\w+);$/gm;
  return [...text.matchAll(declaration)].map(([, module, imported, name, params, result]) => {
    assert.deepEqual([module, imported], [WASM_MODULE, name]);
    const pairs = params === "" ? [] : params!.split(", ").map((param) => param.split(": ") as [string, string]);
    return lineOf(
      name!,
      pairs.map(([own, type]) => [own, wasmType(type)]),
      wasmType(result!),
    );
  });
}

function pageFunctions(): string[] {
  const text = read("docs/host-services-wasm.md");
  return [...text.matchAll(/^\| `(\w+)` \| ([^|]*?) ?\| ([^|]*)\|/gm)].map(([, name, params, result]) => {
    const pairs = params === "" ? [] : params!.split(", ").map((param) => param.split(": "));
    return lineOf(
      name!,
      pairs.map(([own, type = "i32"]) => [own!, type]),
      result!.startsWith("as `i64`") ? "i64" : "i32",
    );
  });
}

const NUMBERS = { ...TextField, ...NumberField, ...ErrorNumber };
const sorted = (entries: Iterable<readonly [string, number]>): unknown =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

/** `SelfRequest` or `SELF_REQUEST` as the code has it. */
function snake(name: string): string {
  return /^[A-Z_]+$/.test(name) ? name.toLowerCase() : name.replaceAll(/(?<!^)[A-Z]/g, "_$&").toLowerCase();
}

describe("The import module of host services is the same", () => {
  it("in the C header", () => {
    assert.match(read("examples/wasm-host-services/c/nex.h"), new RegExp(`import_module\\("${WASM_MODULE}"\\)`));
    assert.deepEqual(headerFunctions().sort(), FUNCTIONS);
    const enums = read("examples/wasm-host-services/c/nex.h").matchAll(/^ {4}NEX_(?!REDIRECT_)(\w+) = (-?\d+),$/gm);
    assert.deepEqual(
      sorted([...enums].map(([, name, value]) => [snake(name!), Number(value)])),
      sorted(Object.entries(NUMBERS)),
    );
  });

  it("in the AssemblyScript binding", () => {
    assert.deepEqual(assemblyScriptFunctions().sort(), FUNCTIONS);
    const enums = read("examples/wasm-host-services/assemblyscript/assembly/nex.ts").matchAll(
      /^ {2}(\w+) = (-?\d+),$/gm,
    );
    assert.deepEqual(
      sorted([...enums].map(([, name, value]) => [snake(name!), Number(value)])),
      sorted(Object.entries(NUMBERS)),
    );
  });

  it("on its page", () => {
    assert.deepEqual(pageFunctions().sort(), FUNCTIONS);
    const rows = read("docs/host-services-wasm.md").matchAll(/^\| (\w+) \| (-?\d+) \|/gm);
    assert.deepEqual(
      sorted([...rows].map(([, name, value]) => [name!, Number(value)])),
      sorted(Object.entries(NUMBERS)),
    );
    assert.ok(read("docs/host-services-wasm.md").includes(`\`${WASM_MODULE}\``));
  });
});
