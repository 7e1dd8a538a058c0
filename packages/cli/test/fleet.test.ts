import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import type { WorkloadDetail, WorkloadSummary } from "@nex/protocol";
import { startNatsServer, waitFor } from "@nex/testing";
import { type RunningNode, runningNode, runningNodeIn } from "./support/running-node.ts";

async function nodesOf(node: RunningNode, count: number, server: readonly string[]): Promise<void> {
  await waitFor(async () => (await node.json<unknown[]>("node", "ls", ...server)).length === count, {
    timeoutMs: 20_000,
  });
}

it("a second machine joins with the nexus key, takes part, takes over, and leaves", async () => {
  await using nats = await startNatsServer({ jetstream: true });
  const server = ["--server", nats.url];
  const first = await runningNode(...server, "--tag", "zone=a");
  try {
    await assert.rejects(runningNode(...server), /nexus_key_mismatch|nex keys export/);
    const exported = await first.nex("keys", "export");
    assert.match(exported.stdout, /^SX[A-Z2-7]+\n$/);
    assert.match(exported.stderr, /can read the environments/);
    const NEX_NEXUS_KEY = exported.stdout.trim();
    await using second = await runningNodeIn({ NEX_NEXUS_KEY }, ...server, "--tag", "zone=b");
    assert.equal((await second.nex("keys", "export")).stdout.trim(), NEX_NEXUS_KEY);
    await nodesOf(first, 2, server);

    await writeFile(join(first.directory, "say.js"), "export default (event, { env }) => `said ${env.A}`;");
    const ran = await first.nex("run", "say.js", "-n", "say", "-t", "say", "-e", "A=b", "--replicas", "2", ...server);
    assert.equal(ran.exit, 0, ran.stderr);
    assert.match(ran.stdout, /running on 2 nodes: revision 1/);
    await first.json("run", "say.js", "-n", "there", "-t", "there", "--tag", "zone=b", ...server);
    const there = await first.json<WorkloadDetail>("info", "there", ...server);
    assert.deepEqual(
      there.instances.map(({ node_id }) => node_id),
      [second.ready.node_id],
    );

    const nowhere = await first.nex("run", "say.js", "-n", "none", "-t", "none", "--tag", "zone=c", ...server);
    assert.equal(nowhere.exit, 4);
    assert.match(nowhere.stderr, /zone=c/);

    assert.equal(await first.stop(), 0);
    const [say, moved] = await second.json<WorkloadSummary[]>("ls", ...server);
    assert.deepEqual([say?.name, say?.instances.length, say?.replicas], ["say", 2, 2]);
    assert.deepEqual([moved?.name, moved?.state], ["there", "running"]);
    assert.equal((await second.nex("trigger", "say", ...server)).stdout.trim(), "said b");
    // The issuer that may stop it is the first machine's.
    const stopped = await first.nex("stop", "say", ...server);
    assert.equal(stopped.exit, 0, stopped.stderr);
    assert.deepEqual(
      (await second.json<WorkloadSummary[]>("ls", ...server)).map(({ name }) => name),
      ["there"],
    );
  } finally {
    await first[Symbol.asyncDispose]();
  }
});

it("nex keys export says what to do where there is no key yet", async () => {
  await using node = await runningNode("--ephemeral");
  const ran = await node.nex("keys", "export");
  assert.equal(ran.exit, 3);
  assert.match(ran.stderr, /Start the node once \(nex up\)/);
});
