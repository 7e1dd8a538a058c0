import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { bundleFunction, type FunctionBundle } from "../../src/bundle/bundle-function.ts";
import { mapPosition } from "../../src/bundle/source-map.ts";
import { sourceDirectory } from "../support/source-directory.ts";

type AnyFunction = (...args: unknown[]) => unknown;

async function bundleOf(entry: string, files: Readonly<Record<string, string>>): Promise<FunctionBundle> {
  await using directory = await sourceDirectory(files);
  return await bundleFunction(join(directory.path, entry));
}

/** Loads a bundle the way the runner does: from memory, with nothing around it. */
async function load({ source }: FunctionBundle): Promise<AnyFunction> {
  const module = (await import(`data:text/javascript;base64,${Buffer.from(source).toString("base64")}`)) as {
    default: AnyFunction;
  };
  return module.default;
}

test("TypeScript, its imports and npm packages become one module", async () => {
  const bundle = await bundleOf("src/fn.ts", {
    "src/fn.ts":
      'import { readFileSync } from "node:fs";\nimport { double } from "../lib/double.ts";\nimport pkg from "pkg";\nexport default (n: number): unknown => [double(n), pkg, typeof readFileSync];',
    "lib/double.ts": "export const double = (n: number): number => n * 2;",
    "node_modules/pkg/package.json": '{"name":"pkg","main":"main.js"}',
    "node_modules/pkg/main.js": 'module.exports = require("path").sep.length;',
  });
  assert.equal(bundle.form, "module");
  assert.deepEqual(bundle.warnings, []);
  assert.deepEqual((await load(bundle))(21), [42, 1, "function"]);
});

test("CommonJS gets its module.exports as default export", async () => {
  assert.equal((await load(await bundleOf("fn.cjs", { "fn.cjs": "module.exports = (n) => n + 1;" })))(1), 2);
  assert.equal(
    (
      await load(
        await bundleOf("fn.js", {
          "fn.js": 'const { sep } = require("node:path");\nmodule.exports = (n) => n + sep.length;',
        }),
      )
    )(1),
    2,
  );
});

test("CommonJS that was transpiled from a module keeps its default export", async () => {
  const source =
    'Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = (n) => n + 1;\nexports.other = 1;';
  assert.equal((await load(await bundleOf("fn.js", { "fn.js": source })))(1), 2);
  assert.equal((await load(await bundleOf("fn.js", { "fn.js": source, "package.json": '{"type":"commonjs"}' })))(1), 2);
});

const scripts: Readonly<Record<string, string>> = {
  "one arrow function":
    '(subject, payload) => { this.hostServices.kv.set("last", payload); return { on: subject }; };\n',
  "a named function at the end": "// says exports and module\nvar n = 1;\nfunction f(s, p) { return n; }\nf;;\n",
  "sloppy mode": "var o = { a: 1 }; with (o) { a; }\n(s) => s",
  "the word module as a text": 'const kind = "module";\n(s) => kind',
};

for (const [name, source] of Object.entries(scripts)) {
  test(`the script form of 0.2.7 stays byte for byte: ${name}`, async () => {
    const bundle = await bundleOf("fn.js", { "fn.js": source });
    assert.equal(bundle.form, "script");
    assert.equal(Buffer.from(bundle.source).toString(), source);
  });
}

test("nothing of the user's file is run", async () => {
  const escape = "globalThis.nexEscaped = true; process.exit(9);\n";
  await bundleOf("fn.js", { "fn.js": `${escape}(s) => s` });
  await bundleOf("fn.ts", { "fn.ts": `${escape}export default () => 1;` });
  assert.ok(!("nexEscaped" in globalThis));
});

test("the source map names files as the user knows them, without their text", async () => {
  const bundle = await bundleOf("src/fn.ts", {
    "src/fn.ts":
      'import { helper } from "../lib/helper.ts";\n\nexport default function handler(): never {\n  return helper();\n}\n',
    "lib/helper.ts":
      'interface Unused { a: string }\nexport function helper(): never {\n  throw new Error("here");\n}\n',
  });
  const text = Buffer.from(bundle.source).toString();
  const handler = await load(bundle);
  const at = positionOf(text, 'new Error("here")');
  assert.deepEqual(mapPosition(text, at.line, at.column), { file: "../lib/helper.ts", line: 3, column: 9 });
  const call = positionOf(text, "helper();");
  assert.deepEqual(mapPosition(text, call.line, call.column), { file: "fn.ts", line: 4, column: 10 });
  assert.throws(handler, /here/);
  assert.equal(Buffer.from(text.split("base64,")[1]!, "base64").includes("interface Unused"), false);
});

test("positions outside of the user's code have no place", () => {
  assert.equal(mapPosition("export default 1;", 1, 1), undefined);
});

test("warnings name their place", async () => {
  const bundle = await bundleOf("fn.js", { "fn.js": "export default (a) => {\n  return typeof a === 'nmber';\n};" });
  assert.equal(bundle.warnings.length, 1);
  assert.match(bundle.warnings[0]!, /fn\.js:2:23: .*"nmber"/);
});

function positionOf(text: string, part: string): { readonly line: number; readonly column: number } {
  const before = text.slice(0, text.indexOf(part)).split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
