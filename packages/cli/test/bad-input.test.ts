import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { nex } from "./support/built-cli.ts";
import { type RunningNode, runningNode } from "./support/running-node.ts";

interface Told {
  readonly code: string;
  readonly message: string;
  readonly data?: { readonly file?: string; readonly line?: number; readonly column?: number };
}

describe("nex tells people what is wrong", () => {
  let node: RunningNode;
  before(async () => {
    node = await runningNode("--ephemeral");
  });
  after(async () => await node[Symbol.asyncDispose]());

  const refused = async (...args: string[]): Promise<Told & { exit: number | null }> => {
    const ran = await node.nex(...args, "--json");
    return { ...(JSON.parse(ran.stderr.trim().split("\n").at(-1)!) as { error: Told }).error, exit: ran.exit };
  };
  const sources: readonly (readonly [
    what: string,
    file: string,
    source: string,
    line: number,
    column: number,
    text: RegExp,
  ])[] = [
    ["a syntax error", "syntax.ts", "export default () => {\n  const x = ;\n};\n", 2, 13, /syntax\.ts:2:13/],
    ["a missing default export", "named.ts", "export const handler = () => 1;\n", 1, 1, /"handler"/],
    [
      "a throw at load",
      "throws.ts",
      "interface A { x: number }\nconst a: A = { x: 1 };\nif (a.x) throw new RangeError(`bad ${a.x}`);\nexport default () => 1;\n",
      3,
      16,
      /RangeError: bad 1/,
    ],
    [
      "a forbidden read at load",
      "reads.ts",
      'import fs from "node:fs";\nexport const all: string = fs.readFileSync("/etc/hostname", "utf8");\nexport default () => all;\n',
      2,
      31,
      /reads\.ts:2/,
    ],
    [
      "an import that is not installed",
      "imports.ts",
      'import x from "no-such-package";\nexport default () => x;\n',
      1,
      15,
      /npm install no-such-package/,
    ],
    ["an empty file", "empty.js", "", 1, 1, /empty/],
  ];

  for (const [what, file, source, line, column, text] of sources) {
    it(`${what}, at its place in the author's file`, async () => {
      await writeFile(join(node.directory, file), source);
      const { code, message, data, exit } = await refused("run", file, "--trigger", "a.b");
      assert.deepEqual([code, exit, data?.line, data?.column], ["invalid_artifact", 2, line, column], message);
      assert.equal(data?.file, file);
      assert.match(message, text);
    });
  }

  it("a script whose value is no function", async () => {
    await writeFile(join(node.directory, "number.js"), "42\n");
    const { code, message } = await refused("run", "number.js", "--trigger", "a.b");
    assert.equal(code, "invalid_artifact");
    assert.match(message, /not a function/);
  });

  it("a file that is not there, a directory, a file of no known kind, one that is too large", async () => {
    assert.deepEqual(
      [(await refused("run", "nope.ts", "-t", "a.b")).exit, (await refused("run", ".", "-t", "a.b")).exit],
      [3, 2],
    );
    await writeFile(join(node.directory, "junk.bin"), Buffer.from([1, 2, 3]));
    assert.match((await refused("run", "junk.bin", "-t", "a.b")).message, /--type/);
    await writeFile(join(node.directory, "large.js"), `(s) => "${"x".repeat(17 * 1024 * 1024)}"`);
    assert.equal((await refused("run", "large.js", "-t", "a.b")).code, "too_large");
  });

  it("subjects that are none, that are denied, that take in everything, or that are missing", async () => {
    await writeFile(join(node.directory, "fine.js"), "() => 1");
    const codes = await Promise.all(
      [["a..b"], ["$JS.API.>"], ["_INBOX_x.>"], [">"], []].map(
        async (subjects) => (await refused("run", "fine.js", ...subjects.flatMap((subject) => ["-t", subject]))).code,
      ),
    );
    assert.deepEqual(codes, [
      "invalid_subject",
      "subject_denied",
      "subject_denied",
      "invalid_subject",
      "invalid_request",
    ]);
  });

  it("a server that is not there: exit code 4 and its URL", async () => {
    const ran = await nex(["ls", "--server", "nats://127.0.0.1:1", "--json"], { env: node.env });
    assert.equal(ran.exit, 4);
    assert.match(ran.stderr, /nats:\/\/127\.0\.0\.1:1/);
  });

  it("a port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const { code, message } = await refused("up", "--ephemeral", "--port", String(port));
    taken.close();
    assert.equal(code, "already_running");
    assert.match(message, new RegExp(`${port}`));
  });

  it("a second node on the store of the first", async () => {
    await using first = await runningNode();
    const ran = await nex(["up", "--json"], { env: first.env });
    const { error } = JSON.parse(ran.stderr.trim().split("\n").at(-1)!) as { error: Told };
    assert.deepEqual([error.code, ran.exit], ["already_running", 1]);
    assert.match(error.message, /--ephemeral/);
  });

  it("a config file that is wrong, by the name of the key", async () => {
    const config = join(node.directory, "node.json");
    await writeFile(config, '{"pool":{"size":-1}}');
    const { code, message } = await refused("up", "--ephemeral", "--config", config);
    assert.equal(code, "invalid_request");
    assert.match(message, /pool\.size/);
  });
});
