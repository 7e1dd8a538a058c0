import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NexError } from "@nex/protocol";
import { NodeDouble } from "../support/node-double.ts";

interface Failure {
  readonly title: string;
  readonly source: string | Buffer;
  readonly says: RegExp;
  /** Line and column of the fault. */
  readonly at?: readonly [line: number, column: number];
}

const FAILURES: readonly Failure[] = [
  {
    title: "a syntax error",
    source: "export default () => {\n  const a = ;\n};",
    says: /syntax error at fn\.js:2:13.*SyntaxError/,
    at: [2, 13],
  },
  {
    title: "a syntax error in a line that begins with tabs",
    source: "export default () => {\n\t\tconst a = ;\n};",
    says: /syntax error/,
    at: [2, 13],
  },
  {
    title: "a syntax error at the very end",
    source: "export default () => {",
    says: /syntax error at fn\.js:1: SyntaxError: Unexpected end of input/,
  },
  {
    title: "a syntax error in the script form",
    source: "(subject, payload) => {\n  return ];\n}",
    says: /syntax error/,
    at: [2, 10],
  },
  {
    title: "a throw at load",
    source: "\n\n  throw new TypeError('at load');\nexport default () => 1;",
    says: /threw while it was loaded at fn\.js:3:9: TypeError: at load/,
    at: [3, 9],
  },
  {
    title: "a throw deeper at load",
    source: "function deep() { throw new Error('deep'); }\nfunction load() { deep(); }\nload();\nexport default 1;",
    says: /deep/,
    at: [1, 25],
  },
  { title: "a throw at load of the script form", source: "throw new Error('script')", says: /script/, at: [1, 7] },
  { title: "a throw of a string", source: "throw 'just text';\nexport default 1;", says: /Thrown: just text/ },
  { title: "a throw of nothing", source: "throw undefined;\nexport default 1;", says: /Thrown: undefined/ },
  {
    title: "a throw of an object without text",
    source: "throw Object.create(null);\nexport default 1;",
    says: /no text/,
  },
  {
    title: "a throw of an object that refuses to be read",
    source:
      "throw new Proxy({}, { get() { throw 1 }, has() { throw 2 }, getPrototypeOf() { throw 3 } });\nexport default 1;",
    says: /threw while it was loaded/,
  },
  {
    title: "a rejected top-level await",
    source: "await Promise.reject(new Error('rejected'));\nexport default 1;",
    says: /rejected/,
    at: [1, 22],
  },
  {
    title: "no default export",
    source: "export const handler = () => 1; export const b = 2;",
    says: /no default export; it exports "b", "handler"/,
  },
  { title: "no export at all", source: "await 1;", says: /no default export; it exports nothing/ },
  {
    title: "a default export that is no function",
    source: "export default { handler() {} };",
    says: /default export that is of type object/,
  },
  { title: "a default export of null", source: "export default null;", says: /default export that is null/ },
  {
    title: "an import of a missing package",
    source: "import x from 'left-pad';\nexport default x;",
    says: /imports "left-pad", which is not in the artifact/,
  },
  {
    title: "an import of a file beside it",
    source: "import x from './lib.js';\nexport default x;",
    says: /imports "\.\/lib\.js"/,
  },
  {
    title: "an import from the network",
    source: "import x from 'https://example.com/x.js';\nexport default x;",
    says: /imports "https:/,
  },
  {
    title: "an import of a name a built-in module does not have",
    source: "import { nonsense } from 'node:path';\nexport default nonsense;",
    says: /nonsense/,
  },
  {
    title: "a SyntaxError its own code throws",
    source: "\nJSON.parse('{');\nexport default 1;",
    says: /threw while it was loaded at fn\.js:2:6: SyntaxError/,
    at: [2, 6],
  },
  { title: "an empty file", source: "", says: /undefined, not a function/ },
  { title: "nothing but a comment", source: "// nothing", says: /undefined, not a function/ },
  {
    title: "a script whose value is no function",
    source: "({ handler() {} })",
    says: /of type object, not a function/,
  },
  { title: "a JSON document", source: '{"a": 1}', says: /syntax error/ },
  {
    title: "TypeScript that was not bundled",
    source: "export default (a: string): string => a;",
    says: /syntax error/,
    at: [1, 18],
  },
  {
    title: "a binary file",
    source: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0xff, 0xfe]),
    says: /not UTF-8 text/,
  },
  {
    title: "a binary file that happens to be UTF-8",
    source: Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    says: /syntax error/,
  },
];

describe("A source is refused at deploy with a reason and its place:", { concurrency: 2 }, () => {
  for (const { title, source, says, at } of FAILURES) {
    it(title, async () => {
      await using node = await NodeDouble.start();
      await assert.rejects(node.deploy(source), (error: NexError) => {
        assert.equal(error.code, "invalid_artifact", error.message);
        assert.match(error.message, says);
        assert.ok(
          !/nex:\/\/\/|\/proc\/|node:internal/.test(JSON.stringify(error)),
          `names places that are not its author's: ${JSON.stringify(error)}`,
        );
        if (at !== undefined) assert.deepEqual([error.data["line"], error.data["column"]], at);
        return true;
      });
      assert.equal((await node.ended).exitCode, 0);
    });
  }

  it("a syntax error at the end of one line of 5 MB, without the line", async () => {
    await using node = await NodeDouble.start();
    await assert.rejects(
      node.deploy(`export default () => { /* ${"x".repeat(5_000_000)} */ const a = ; };`),
      (error: NexError) => {
        assert.deepEqual([error.code, error.data["line"]], ["invalid_artifact", 1]);
        assert.ok(JSON.stringify(error).length < 10_000);
        return true;
      },
    );
  });

  it("a process.exit at load, as a runner that ended", async () => {
    await using node = await NodeDouble.start();
    await assert.rejects(node.deploy("process.exit(3); export default () => 1;"), {
      code: "sandbox_failed",
      message: /exit code 3/,
    });
  });
});

describe("A source's place is told in its author's file", () => {
  it("when it carries a source map", async () => {
    const map = {
      version: 3,
      sources: ["orders.ts"],
      sourcesContent: ["\n\nthrow new Error('mapped');\n"],
      names: [],
      mappings: "AAEA",
    };
    const source = `throw new Error('mapped');export default () => 1;\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString("base64")}\n`;
    await using node = await NodeDouble.start();
    await assert.rejects(node.deploy(source), (error: NexError) => {
      assert.deepEqual(
        [error.code, error.data["file"], error.data["line"]],
        ["invalid_artifact", "orders.ts", 3],
        JSON.stringify(error),
      );
      return true;
    });
  });
});
