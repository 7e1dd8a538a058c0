import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isNexError, type NexErrorCode } from "@nex/protocol";
import { bundleFunction } from "../../src/bundle/bundle-function.ts";
import { sourceExcerpt } from "../../src/bundle/source-error.ts";
import { sourceDirectory } from "../support/source-directory.ts";

interface Refusal {
  readonly file: string;
  readonly source: string | Uint8Array;
  readonly others?: Readonly<Record<string, string>>;
  /** `line:column` */
  readonly at?: string;
  readonly code?: NexErrorCode;
  readonly says: string;
}

const HOW = "Export the function: export default async (event, ctx) => { … };";

const refusals: Readonly<Record<string, Refusal>> = {
  "a syntax error, with its line and a caret": {
    file: "fn.ts",
    source: "export default async (event) => {\n\tconst ü = 1; const x = ;\n};\n",
    at: "2:25",
    says: 'unexpected ";"\n\n  2 | \tconst ü = 1; const x = ;\n    | \t                       ^',
  },
  "a syntax error in an imported file": {
    file: "fn.js",
    source: 'import "./lib/bad.js";\nexport default () => 1;',
    others: { "lib/bad.js": "let 1x;" },
    says: "DIR/lib/bad.js:1:",
  },
  "a package that is not installed": {
    file: "fn.ts",
    source: 'import x from "@scope/pkg/deep";\nexport default x;',
    others: { "package.json": "{}" },
    at: "1:15",
    says: 'the package "@scope/pkg" is not installed. Run "npm install @scope/pkg" in DIR\n\n  1 | import x from "@scope/pkg/deep";\n    |               ^',
  },
  "a part of a package that it does not have": {
    file: "fn.ts",
    source: 'import x from "pkg/deep";\nexport default x;',
    others: { "node_modules/pkg/package.json": '{"name":"pkg"}' },
    at: "1:15",
    says: 'the package "pkg" is installed but has no "pkg/deep".',
  },
  "an imported file that is not there": {
    file: "fn.mjs",
    source: 'import x from "./nope.js";\nexport default x;',
    at: "1:15",
    says: 'the imported file "./nope.js" does not exist.',
  },
  "a module that exports other things": {
    file: "fn.ts",
    source: "const a = 1;\nexport const handler = () => a;\nexport function other() {}\n",
    at: "2:1",
    says: `the module has no default export. It exports "handler", "other". ${HOW}\n\n  2 | export const handler = () => a;\n    | ^`,
  },
  "a module that exports nothing": {
    file: "fn.mjs",
    source: "function handler() {}\n",
    at: "1:1",
    says: `the module has no default export. It exports nothing. ${HOW}`,
  },
  "a script whose value is no expression": {
    file: "fn.js",
    source: "function handler() {}\n",
    at: "1:1",
    says: "the module has no default export. It exports nothing.",
  },
  "only comments": { file: "fn.js", source: "// soon\n", at: "1:1", says: "the module has no default export." },
  "an object": {
    file: "fn.ts",
    source: "// hi\nexport default {\n  fetch() {\n    return 1;\n  },\n};\n",
    at: "2:16",
    says: `the default export is an object, not a function. ${HOW}\n\n  2 | export default {\n    |                ^`,
  },
  "a text": {
    file: "fn.mjs",
    source: 'export default "text";',
    at: "1:16",
    says: "the default export is a string, not a function.",
  },
  "a number by another name": {
    file: "fn.js",
    source: "const h = 5;\nexport { h as default };",
    at: "1:11",
    says: "the default export is a number, not a function.",
  },
  "a list": {
    file: "fn.js",
    source: "export default [1, 2];",
    at: "1:16",
    says: "the default export is an array, not a function.",
  },
  null: {
    file: "fn.js",
    source: "export default null;",
    at: "1:16",
    says: "the default export is null, not a function.",
  },
  "a class": {
    file: "fn.ts",
    source: "export default class X { a = 1 }",
    at: "1:1",
    says: "the default export is a class, not a function.",
  },
  "an empty file": { file: "fn.ts", source: " \n", at: "1:1", says: "the file is empty." },
  "a file that is no text": { file: "fn.js", source: Buffer.from([0xff, 0xfe]), says: "is not UTF-8 text" },
  "a file of another kind": { file: "fn.py", source: "x", says: "is not a JavaScript or TypeScript file" },
  "a native add-on": {
    file: "fn.js",
    source: 'import x from "./a.node";\nexport default x;',
    others: { "a.node": "x" },
    at: "1:15",
    says: "native add-ons (.node) cannot be part of a function",
  },
  "a source that is too large": {
    file: "fn.js",
    source: `(s) => "${"x".repeat(16 * 2 ** 20)}"`,
    code: "too_large",
    says: "a function may have 16 MiB",
  },
  "a bundle that is too large": {
    file: "fn.ts",
    source: 'import a from "./a.json"; import b from "./b.json"; export default () => a + b;',
    others: { "a.json": `"${"x".repeat(9 * 2 ** 20)}"`, "b.json": `"${"y".repeat(9 * 2 ** 20)}"` },
    code: "too_large",
    says: "what it imports included",
  },
};

describe("refused before it is deployed", () => {
  for (const [name, { file, source, others = {}, at, code = "invalid_artifact", says }] of Object.entries(refusals)) {
    test(name, async () => {
      await using directory = await sourceDirectory({ [file]: source, ...others });
      const path = join(directory.path, file);
      await assert.rejects(bundleFunction(path), (error) => {
        assert.ok(isNexError(error), String(error));
        const message = error.message.replaceAll(directory.path, "DIR");
        assert.equal(error.code, code, message);
        if (at !== undefined) {
          assert.ok(message.startsWith(`DIR/${file}:${at}: `), message);
          const { file: inFile, line, column } = error.data;
          assert.deepEqual([inFile, `${String(line)}:${String(column)}`], [path, at]);
        }
        assert.ok(message.includes(says), message);
        return true;
      });
    });
  }

  test("a directory, a file that is not there, one that may not be read", async () => {
    await using directory = await sourceDirectory({ "secret.js": "(s) => s" });
    mkdirSync(join(directory.path, "dir.js"));
    chmodSync(join(directory.path, "secret.js"), 0);
    await assert.rejects(bundleFunction(join(directory.path, "dir.js")), {
      code: "invalid_artifact",
      message: /is a directory\. Name the file in it/,
    });
    await assert.rejects(bundleFunction(join(directory.path, "none.js")), {
      code: "file_not_found",
      message: /none\.js cannot be read \(it does not exist\)/,
    });
    if (process.getuid?.() !== 0)
      await assert.rejects(bundleFunction(join(directory.path, "secret.js")), {
        code: "file_not_found",
        message: /permission denied/,
      });
  });
});

test("of a long line only the part around the place is shown", () => {
  const [shown, caret] = sourceExcerpt(`${"a".repeat(500)}!${"b".repeat(500)}`, 7, 501).split("\n");
  assert.equal(shown!.length, "  7 | ".length + 100);
  assert.equal(shown!.indexOf("!"), caret!.indexOf("^"));
});
