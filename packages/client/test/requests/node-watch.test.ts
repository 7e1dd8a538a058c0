import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type StartedProgram, startProgram, temporaryDirectory, waitFor } from "@nex/testing";
import type { NexClient } from "../../src/index.ts";
import { expectNexError } from "../support/expect-nex-error.ts";
import { source, TestSystem } from "../support/system.ts";

/** Never loads. */
const SLOW = Buffer.from("await new Promise(() => setInterval(() => undefined, 1000)); export default () => 1;");

/** Never ends what it has begun, so that a stop waits for it. */
const BUSY = source("() => new Promise(() => undefined)");

interface Case {
  readonly system: TestSystem;
  readonly nex: NexClient;
  readonly node: StartedProgram;
}

async function withNode(deployTimeoutMs: number, test: (parts: Case) => Promise<void>): Promise<void> {
  await using directory = await temporaryDirectory("nex-client-node-");
  await chmod(directory.path, 0o711);
  await using system = await TestSystem.start();
  await using node = await startProgram(join(import.meta.dirname, "../support/node-process.ts"), {
    args: [system.nats.url, directory.path],
  });
  const nex = await system.client({ deployTimeoutMs });
  await test({ system, nex, node });
}

/** Begins something, and resolves once the node has been asked for it. */
async function begin<T>(
  system: TestSystem,
  subject: string,
  work: () => Promise<T>,
): Promise<{ readonly outcome: Promise<T> }> {
  const listener = await system.connection();
  const asked = Promise.withResolvers<void>();
  listener.subscribe(subject, { callback: () => asked.resolve() });
  await listener.flush();
  const outcome = work();
  outcome.catch(() => undefined);
  await asked.promise;
  await listener.close();
  return { outcome };
}

async function beginSlowDeploy({ system, nex }: Case): Promise<{ readonly outcome: Promise<unknown> }> {
  const options = { name: "slow", kind: "javascript", artifact: SLOW, triggers: ["slow"] } as const;
  return await begin(system, "$NEX.DEPLOY.>", async () => await nex.workloads.deploy(options));
}

describe("a client whose node dies while it waits", () => {
  it("hears of it within 2 s, of a deploy", async () => {
    await withNode(60_000, async (parts) => {
      const { outcome } = await beginSlowDeploy(parts);
      await parts.node.kill("SIGKILL");
      const killed = performance.now();
      const error = await expectNexError("no_node", outcome);
      assert.match(error.message, /is gone.*Whether it was done is not known/);
      assert.equal(error.data["node_id"], parts.node.line);
      // Twice the time that is promised, for a busy machine; without the look it would be 60 s.
      assert.ok(performance.now() - killed < 4000, `after ${performance.now() - killed} ms`);
    });
  });

  it("hears of it within 2 s, of a stop", async () => {
    await withNode(60_000, async ({ system, nex, node }) => {
      await nex.workloads.deploy({
        name: "busy",
        kind: "javascript",
        artifact: BUSY,
        triggers: ["busy"],
        deadlineMs: 60_000,
      });
      const caller = await system.connection();
      caller.publish("busy", "");
      await waitFor(async () => (await nex.workloads.get("busy")).invocations.in_flight === 1);
      const { outcome } = await begin(system, "$NEX.UNDEPLOY.>", async () => await nex.workloads.stop("busy"));
      await node.kill("SIGKILL");
      const killed = performance.now();
      await expectNexError("no_node", outcome);
      assert.ok(performance.now() - killed < 4000, `after ${performance.now() - killed} ms`);
    });
  });

  it("waits on for one that is there and does not answer", async () => {
    await withNode(4000, async (parts) => {
      const { outcome } = await beginSlowDeploy(parts);
      process.kill(parts.node.pid, "SIGSTOP");
      await expectNexError("timeout", outcome);
      process.kill(parts.node.pid, "SIGCONT");
    });
  });
});
