import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { temporaryDirectory } from "@nex/testing";
import { startProcess } from "@nex/sandboxes/testing";
import { namesIn } from "../control-api/support/running-node.ts";
import { noBubblewrap } from "@nex/testing/sandboxes";

/** Files that the program may have open, and how many of them are left to it at most. */
const LIMIT = 400;
const MOST_LEFT = 24;

for (const [sandbox, skip] of [
  ["process", false],
  ["bubblewrap", noBubblewrap],
] as const) {
  test(`a ${sandbox} sandbox that cannot start for want of files fails alone`, { skip }, async () => {
    await using directory = await temporaryDirectory();
    await chmod(directory.path, 0o711);
    const place = join(directory.path, "run");
    const program = join(import.meta.dirname, "../support/starved-process.ts");
    const command = `ulimit -n ${LIMIT}; exec "$0" --conditions=@nex/source "$@"`;
    const args = ["-c", command, process.execPath, program, sandbox, place, String(MOST_LEFT)];
    const { stdout } = await promisify(execFile)("/bin/sh", args);
    const { outcomes } = JSON.parse(stdout) as { readonly outcomes: readonly string[] };
    assert.deepEqual([outcomes[0], outcomes.at(-1)], ["started", "started"], outcomes.join("\n"));
    const starved = outcomes.slice(1, -1);
    assert.equal(starved.length, MOST_LEFT + 1);
    for (const outcome of starved) assert.match(outcome, /^(?:started$|sandbox_failed: )/);
    assert.ok(starved.some((outcome) => /EMFILE\. The node has as many files open as it may/.test(outcome)));
    assert.deepEqual(await namesIn(place), []);
  });
}

describe("a program of a sandbox that cannot be started", () => {
  test("fails the start, whether `spawn` throws or tells it later", async () => {
    await assert.rejects(startProcess("/nonexistent/program", [], {}), {
      code: "sandbox_failed",
      message: /^\/nonexistent\/program cannot be started: spawn .*ENOENT/,
    });
    await assert.rejects(startProcess("/bin/true", ["x".repeat(200_000)], {}), {
      code: "sandbox_failed",
      message: /E2BIG/,
    });
    await assert.rejects(startProcess("/bin/true", [], { cwd: "/nonexistent" }), { code: "sandbox_failed" });
  });
});
