import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { waitFor } from "@nex/testing";
import { Load } from "./support/load.ts";
import { NatsCluster } from "./support/nats-cluster.ts";
import { TestFleet } from "./support/test-fleet.ts";

test("three nodes on a cluster of three servers, of which one is killed under load", async () => {
  await using cluster = await NatsCluster.start();
  const [first, second, third] = cluster.servers;
  await using fleet = await TestFleet.start(1, {
    nats: first!,
    config: { jetstream: { replicas: 3 }, failover_after: 8000 },
  });
  await fleet.add({}, second!.url);
  const onThird = await fleet.add({}, third!.url);
  await waitFor(async () => (await fleet.nodes[0]!.peers()).length === 3, { timeoutMs: 30_000 });
  const source = "export default () => String(process.pid);";
  const { error } = await fleet.deploy({ source, request: { replicas: 3 } });
  assert.equal(error, undefined);
  await fleet.whenRunning("fn", 3, (counts) => counts.size === 3);
  const manager = await jetstreamManager(fleet.client);
  for (const stream of ["KV_nex_nexus", "KV_nex_claims", "OBJ_nex_artifacts"])
    assert.equal((await manager.streams.info(stream)).config.num_replicas, 3, stream);

  const load = new Load(fleet.client, "fn", 16, 5000);
  await load.goOn(300);
  await third!.stop();
  await load.goOn(1000);
  // Its node finds another server, and goes on with what it ran.
  await waitFor(async () => (await onThird.peers()).length === 3, { message: "all three", timeoutMs: 40_000 });
  await load.goOn(300);
  await load.stop();
  // What had reached the server that died is lost with it, and nothing else.
  assert.ok(load.failures.length <= 16, load.failures.join("\n"));
  assert.equal(load.answers.size, 3, "nothing that ran was started again");

  // While the servers choose new leaders nothing can be written.
  const again = await waitFor(
    async () => {
      const source2 = `export default () => "new";`;
      const reply = await fleet.deploy({ source: source2, request: { replicas: 3 } }, onThird);
      if (reply.error === undefined) return reply;
      assert.equal(reply.code, "jetstream_unavailable", reply.error);
      return undefined;
    },
    { message: "a deploy", timeoutMs: 60_000 },
  );
  assert.ok(again.data.revision >= 2);
  await fleet.whenRunning("fn", 3, (counts) => counts.size === 3);
});
