import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, it } from "node:test";

const SCRIPTS = path.resolve(import.meta.dirname, "../scripts");

let root = "";

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "runner-"));
  mkdirSync(path.join(root, "test"));
  writeFileSync(path.join(root, "package.json"), '{"type":"module"}');
  cpSync(path.join(SCRIPTS, "test"), path.join(root, "scripts/test"), { recursive: true });
  cpSync(path.join(SCRIPTS, "test.js"), path.join(root, "scripts/test.js"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly lastLine: string;
}

/** Runs the test runner over test files of the given contents. */
async function runTests(files: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Outcome> {
  const preamble =
    'import test, { before, describe, it } from "node:test"; import { spawn } from "node:child_process";\n';
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(root, "test", name), preamble + content);
  // Node's runner refuses to run inside a test unless it does not know of it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [path.join(root, "scripts/test.js"), ...args], { cwd: root, env });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number]>,
  ]);
  return { code, output: stdout + stderr, lastLine: stdout.trimEnd().split("\n").at(-1) ?? "" };
}

describe("the test runner", () => {
  it("counts tests that hold no others", async () => {
    const { code, lastLine } = await runTests({
      "a.test.ts":
        'test("a", () => {}); describe("s", () => { it("b", () => {}); it("c", { skip: true }, () => {}); });',
      "b.test.ts": 'test("parent", async (t) => { await t.test("d", () => {}); });',
    });
    assert.equal(lastLine, "3 passed, 0 failed");
    assert.equal(code, 0);
  });

  it("counts a failure once, wherever it happens", async () => {
    const { code, lastLine } = await runTests({
      "a.test.ts":
        'test("parent", async (t) => { await t.test("ok", () => {}); await t.test("not", () => { throw new Error("x"); }); });',
      "b.test.ts": 'throw new Error("at load");',
    });
    assert.equal(lastLine, "1 passed, 2 failed");
    assert.equal(code, 1);
  });

  it("fails a suite whose hook fails", async () => {
    const { code } = await runTests({
      "a.test.ts": 'describe("s", () => { before(() => { throw new Error("x"); }); it("a", () => {}); });',
    });
    assert.equal(code, 1);
  });

  it("fails when a file holds no test, or no file is chosen", async () => {
    const empty = await runTests({ "a.test.ts": "" });
    assert.match(empty.output, /test\/a\.test\.ts holds no test/);
    assert.equal(empty.code, 1);
    const none = await runTests({}, "zebra");
    assert.match(none.output, /No test file's path contains "zebra"/);
    assert.equal(none.code, 1);
  });

  it("runs the files and names it is asked for", async () => {
    const files = {
      "link.test.ts": 'test("fast", () => {}); test("slow", () => {});',
      "other.test.ts": 'test("fast", () => {});',
    };
    assert.equal((await runTests(files, "link")).lastLine, "2 passed, 0 failed");
    assert.equal((await runTests(files, "--name", "FAST")).lastLine, "2 passed, 0 failed");
    assert.equal((await runTests(files, "link", "--name", "slow")).lastLine, "1 passed, 0 failed");
    assert.equal((await runTests(files, "--name", "zebra")).code, 1);
  });

  it("ends a file that does not end, and fails it", async () => {
    const { code, output, lastLine } = await runTests(
      { "a.test.ts": 'test("a", () => {}); setInterval(() => {}, 1000);', "b.test.ts": 'test("b", () => {});' },
      "--timeout",
      "1",
    );
    assert.match(output, /test\/a\.test\.ts did not end within 1 s/);
    assert.match(lastLine, /^\d passed, 1 failed$/);
    assert.equal(code, 1);
  });

  it("finds and ends processes left behind, even with an environment of their own and without a parent", async () => {
    const { code, output, lastLine } = await runTests({
      "a.test.ts": `
        test("marked", () => { spawn("sleep", ["987"], { stdio: "ignore", detached: true }).unref(); });
        test("hidden", async () => {
          const child = spawn("sh", ["-c", "sleep 988 & sleep 1"], { stdio: "ignore", detached: true, env: {} });
          await new Promise((resolve) => child.once("exit", resolve));
        });`,
    });
    assert.match(output, /process \d+: sleep 987/);
    assert.match(output, /process \d+: sleep 988/);
    assert.equal(lastLine, "2 passed, 1 failed");
    assert.equal(code, 1);
  });

  it("finds files left in the temporary directory or in the user's own places", async () => {
    const { code, output } = await runTests({
      "a.test.ts": `
        import { mkdirSync, writeFileSync } from "node:fs"; import { tmpdir } from "node:os";
        test("a", () => { writeFileSync(tmpdir() + "/left", ""); mkdirSync(process.env.XDG_STATE_HOME + "/nex", { recursive: true }); });`,
    });
    assert.match(output, /directory .*\/left$/m);
    assert.match(output, /directory .*\/xdg-state$/m);
    assert.equal(code, 1);
  });

  it("keeps the configuration of whoever runs it away from tests", async () => {
    process.env["NATS_URL"] = "nats://elsewhere";
    try {
      const { lastLine } = await runTests({
        "a.test.ts": 'test("a", () => { if ("NATS_URL" in process.env) throw new Error("leaked"); });',
      });
      assert.equal(lastLine, "1 passed, 0 failed");
    } finally {
      delete process.env["NATS_URL"];
    }
  });
});
