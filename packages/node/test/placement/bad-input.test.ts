import assert from "node:assert/strict";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { startNatsServer, temporaryDirectory, waitFor } from "@nex/testing";
import { deployFunction, signChange, undeployRequest } from "../control-api/support/deploys.ts";
import { RunningNode } from "../control-api/support/running-node.ts";
import { RestartingNode } from "../support/restarting-node.ts";
import { TestFleet } from "./support/test-fleet.ts";

const HOUR_MS = 3_600_000;

describe("a node that should not be part of a fleet", () => {
  it("is told at its start when it has another nexus key, and has taken nothing by then", async () => {
    await using fleet = await RestartingNode.make();
    await using other = await temporaryDirectory();
    const first = await fleet.start();
    assert.equal((await deployFunction(first, { request: { replicas: 2 } })).error, undefined);
    const starting = RunningNode.start({ nats: fleet.nats, config: { state_directory: join(other.path, "state") } });
    await assert.rejects(starting, { code: "nexus_key_mismatch", message: /nex keys export.*NEX_NEXUS_KEY/ });
    const { data } = await first.ask("$NEX.WORKLOADS.default", {});
    assert.deepEqual(
      data.workloads.map(({ name, instances }: { name: string; instances: unknown[] }) => [name, instances.length]),
      [["fn", 2]],
    );
  });

  it("is refused with the identity of one that runs, as after its state directory was copied", async () => {
    await using fleet = await RestartingNode.make();
    await using copy = await temporaryDirectory();
    const first = await fleet.start();
    await deployFunction(first, {});
    const state = join(copy.path, "state");
    await cp(fleet.state, state, { recursive: true });
    await rm(join(state, "lock"), { force: true });
    const starting = RunningNode.start({ nats: fleet.nats, config: { state_directory: state } });
    await assert.rejects(starting, { code: "already_running", message: /state directory copied\?.*node\.seed/ });
    assert.equal((await first.client.request("fn", "x", { timeout: 5000 })).string(), "x");
  });
});

describe("a bucket of records", () => {
  it("that somebody else has made is refused with what is wrong with it", async () => {
    await using nats = await startNatsServer({ jetstream: true });
    await using directory = await temporaryDirectory();
    const client = await connect({ servers: nats.url });
    await new Kvm(jetstream(client)).create("nex_nexus", { ttl: 60_000 });
    await client.close();
    const starting = RunningNode.start({ nats, config: { state_directory: join(directory.path, "state") } });
    await assert.rejects(starting, { code: "jetstream_unavailable", message: /not made by Nex.*60 s \(TTL\).*kv del/ });
  });

  it("that is full refuses deploys and says so; what runs goes on, and can be stopped", async () => {
    await using fleet = await RestartingNode.make();
    const running = await fleet.start();
    const issuer = running.issuer;
    await deployFunction(running, {});
    const manager = await jetstreamManager(running.client);
    const { state } = await manager.streams.info("KV_nex_nexus");
    await manager.streams.update("KV_nex_nexus", { max_bytes: state.bytes + 300 });
    const refused = await deployFunction(running, { name: "more" });
    assert.equal(refused.code, "jetstream_unavailable");
    assert.match(refused.error!, /It is full.*What runs goes on/);
    assert.equal((await running.client.request("fn", "x", { timeout: 5000 })).string(), "x");
    const stop = undeployRequest(running, {}, issuer);
    assert.equal((await running.ask(`$NEX.UNDEPLOY.default.${running.node.id}`, stop)).error, undefined);
    await assert.rejects(running.client.request("fn", "x", { timeout: 5000 }), /no responders/i);
    await manager.streams.update("KV_nex_nexus", { max_bytes: -1 });
    assert.equal((await deployFunction(running, { name: "more" })).error, undefined);
  });

  it("that was deleted under way is written again by each node, and nothing that runs is touched", async () => {
    await using fleet = await TestFleet.start(2);
    const source = "export default () => String(process.pid);";
    await fleet.deploy({ source, request: { replicas: 2 } });
    await fleet.whenRunning("fn", 2, (counts) => counts.size === 2);
    const pids = async (): Promise<string[]> => {
      const seen = new Set<string>();
      for (let n = 0; n < 30; n++) seen.add((await fleet.client.request("fn", "", { timeout: 5000 })).string());
      return [...seen].sort();
    };
    const before = await pids();
    const manager = await jetstreamManager(fleet.client);
    await manager.streams.delete("KV_nex_nexus");
    // The next one who needs a record finds out.
    assert.equal((await fleet.deploy({ name: "other" })).error, undefined);
    await fleet.whenRunning("other", 1);
    await waitFor(
      async () => {
        const { state } = await manager.streams.info("KV_nex_nexus", {
          subjects_filter: "$KV.nex_nexus.slot.default.fn.*",
        });
        return Object.keys(state.subjects ?? {}).length === 2;
      },
      { message: "both slots to be written again", timeoutMs: 40_000 },
    );
    assert.deepEqual(await pids(), before);
  });
});

it("a node whose clock is an hour wrong says so to who deploys on it, and does its part in the fleet", async () => {
  await using fleet = await TestFleet.start(1);
  const wrong = await fleet.add({}, fleet.nats.url, { env: { NEX_TEST_CLOCK_MS: String(HOUR_MS) } });
  await waitFor(async () => (await fleet.nodes[0]!.peers()).length === 2);
  const refused = await fleet.deploy({ name: "there" }, wrong);
  assert.equal(refused.code, "claims_expired");
  assert.match(refused.error!, /clocks of both machines/);
  assert.equal((await fleet.deploy({ request: { replicas: 2 } })).error, undefined);
  await fleet.whenRunning("fn", 2, (counts) => counts.size === 2);
  await fleet.nodes[0]!.kill("SIGKILL");
  await fleet.whenRunning("fn", 2, (counts) => counts.get(wrong.node.id) === 2);
});

it("claims of a stop that name no node count once in the whole fleet", async () => {
  await using fleet = await TestFleet.start(2);
  const [first, second] = fleet.nodes;
  await fleet.deploy({});
  const stop = signChange(first!, { name: "fn" }, { node: undefined } as object, fleet.issuer);
  assert.equal((await first!.ask(`$NEX.UNDEPLOY.default.${first!.node.id}`, stop)).error, undefined);
  await fleet.deploy({});
  const again = await second!.ask(`$NEX.UNDEPLOY.default.${second!.node.id}`, stop);
  assert.equal(again.code, "claims_replayed");
  await fleet.whenRunning("fn", 1);
});
