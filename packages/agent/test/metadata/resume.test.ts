import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NexError } from "@nex/protocol";
import { temporaryDirectory } from "@nex/testing";
import { applyResume, type ResumePipes } from "../../src/metadata/resume.ts";

const RESUME = { unix_ms: 1_795_000_000_123, entropy: "ab".repeat(32) };

/** Both pipes, and one order taken and answered the way the machine's service does. */
async function withPipes(work: (pipes: ResumePipes, serve: (answer: string) => Promise<string>) => Promise<void>) {
  await using directory = await temporaryDirectory();
  const pipes = { orders: join(directory.path, "resume"), answers: join(directory.path, "resumed") };
  const made = spawnSync("mkfifo", [pipes.orders, pipes.answers]);
  assert.equal(made.status, 0, String(made.stderr));
  await work(pipes, async (answer) => {
    await using orders = await open(pipes.orders, "r");
    const line = await orders.readFile("latin1");
    await using answers = await open(pipes.answers, "w");
    await answers.write(`${answer}\n`);
    return line;
  });
}

describe("a resumed machine's agent", () => {
  it("says time and entropy, and goes on when both are set", async () => {
    await withPipes(async (pipes, serve) => {
      const [line] = await Promise.all([serve("ok"), applyResume(RESUME, pipes)]);
      assert.equal(line, `${RESUME.unix_ms} ${RESUME.entropy}\n`);
    });
  });

  it("does not go on when they could not be set", async () => {
    await withPipes(async (pipes, serve) => {
      const [line, applied] = await Promise.allSettled([serve("cannot reseed: no"), applyResume(RESUME, pipes)]);
      assert.equal(line.status, "fulfilled");
      assert.ok(applied.status === "rejected" && applied.reason instanceof NexError);
      assert.equal(applied.reason.code, "sandbox_failed");
      assert.match(applied.reason.message, /cannot reseed: no/);
    });
  });

  it("has nothing to do in a sandbox without the pipes", async () => {
    await applyResume(RESUME, { orders: "/nowhere/resume", answers: "/nowhere/resumed" });
  });
});
