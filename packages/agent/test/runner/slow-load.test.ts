import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NexError } from "@nex/protocol";
import { processAlive } from "@nex/testing";
import { NodeDouble } from "../support/node-double.ts";

describe(
  "A source whose top-level code does not end is refused after ten seconds, and its runner killed:",
  { concurrency: 3 },
  () => {
    for (const [title, source] of [
      ["a top-level await", "await new Promise(() => setInterval(() => {}, 1000)); export default () => 1;"],
      ["an endless loop", "for (;;); export default () => 1;"],
    ] as const) {
      it(title, async () => {
        await using node = await NodeDouble.start();
        const [runner] = node.runnerPids;
        await assert.rejects(node.deploy(source), (error: NexError) => {
          assert.equal(error.code, "invalid_artifact");
          assert.match(error.message, /did not finish within 10 s/);
          return true;
        });
        assert.equal(processAlive(runner!), false);
        assert.equal((await node.ended).exitCode, 0);
      });
    }

    it("a top-level await that nothing can ever settle", async () => {
      await using node = await NodeDouble.start();
      await assert.rejects(node.deploy("await new Promise(() => {}); export default () => 1;"), {
        code: "invalid_artifact",
        message: /did not finish/,
      });
    });
  },
);
