import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@nex/testing";
import { signChange, stopRequest, undeployRequest } from "../control-api/support/deploys.ts";
import { FAILOVER_MS, type FleetNode, TestFleet } from "./support/test-fleet.ts";

/** Says on which node it runs. */
const WHERE = "export default (event) => String(process.ppid);";

const SAY = (text: string): string => `export default () => ${JSON.stringify(text)};`;

async function ask(fleet: TestFleet, subject: string): Promise<string> {
  const reply = await fleet.client.request(subject, "", { timeout: 20_000 });
  assert.equal(reply.headers?.hasError ?? false, false, reply.string());
  return reply.string();
}

async function stop(fleet: TestFleet, node: FleetNode, name: string): Promise<void> {
  const reply = await node.ask(`$NEX.UNDEPLOY.default.${node.node.id}`, undeployRequest(node, { name }, fleet.issuer));
  assert.equal(reply.error, undefined);
}

describe("three nodes of one nexus", { concurrency: false }, () => {
  it("spread replicas, stop them together, and tell of all", async () => {
    await using fleet = await TestFleet.start(3);
    const { data, error } = await fleet.deploy({ source: WHERE, request: { replicas: 3 } });
    assert.equal(error, undefined);
    assert.equal(new Set(data.instances.map(({ node_id }: { node_id: string }) => node_id)).size, 3);
    assert.equal(data.state, "running");
    const counts = await fleet.whenRunning("fn", 3);
    assert.deepEqual([...counts.values()], [1, 1, 1]);
    // Over another node than it was deployed on.
    await stop(fleet, fleet.nodes[1]!, "fn");
    assert.deepEqual(await fleet.details(), []);
    await assert.rejects(fleet.client.request("fn", "", { timeout: 2000 }), /no responders/i);
  });

  it("take over what a node ran that died, and it finds nothing to do when it is back", async () => {
    await using fleet = await TestFleet.start(3);
    await fleet.deploy({ request: { replicas: 3 } });
    await fleet.whenRunning("fn", 3);
    const [, dead] = fleet.nodes;
    const died = performance.now();
    await dead!.kill("SIGKILL");
    const counts = await fleet.whenRunning("fn", 3, (found) => !found.has(dead!.node.id));
    const took = performance.now() - died;
    assert.ok(took > FAILOVER_MS - 500, `taken over after ${took} ms`);
    assert.equal(counts.size, 2);
    await dead!.start();
    await waitFor(async () => (await dead!.peers()).length === 3);
    assert.equal((await fleet.instances("fn")).has(dead!.node.id), false);
    assert.equal(
      [...(await fleet.instances("fn")).values()].reduce((a, b) => a + b, 0),
      3,
    );
  });

  it("leave its own to a node that is back in time", async () => {
    await using fleet = await TestFleet.start(2, { config: { failover_after: 20_000 } });
    await fleet.deploy({ request: { replicas: 2 } });
    const before = await fleet.whenRunning("fn", 2);
    await fleet.nodes[1]!.kill("SIGKILL");
    await fleet.nodes[1]!.start();
    const after = await fleet.whenRunning("fn", 2);
    assert.deepEqual(Object.fromEntries(after), Object.fromEntries(before));
  });

  it("take a revision back on all where it fails on one", async () => {
    await using fleet = await TestFleet.start(1);
    await fleet.add({ deny_subjects: ["other"] });
    await waitFor(async () => (await fleet.nodes[0]!.peers()).length === 2);
    await fleet.deploy({ source: SAY("one"), request: { replicas: 2 } });
    await fleet.whenRunning("fn", 2);
    const failed = await fleet.deploy({
      source: SAY("two"),
      request: { replicas: 2, trigger_subjects: ["fn", "other"] },
    });
    assert.equal(failed.code, "subject_denied");
    for (let n = 0; n < 8; n++) assert.equal(await ask(fleet, "fn"), "one");
    await assert.rejects(fleet.client.request("other", "", { timeout: 2000 }), /no responders/i);
    const next = await fleet.deploy({ source: SAY("three"), request: { replicas: 2 } });
    assert.equal(next.error, undefined);
    for (let n = 0; n < 8; n++) assert.equal(await ask(fleet, "fn"), "three");
  });

  it("take one of two deploys of a name that come at one moment over two nodes, whole", async () => {
    await using fleet = await TestFleet.start(2);
    for (let round = 0; round < 4; round++) {
      const texts = [`a${round}`, `b${round}`];
      const replies = await Promise.all(
        texts.map(async (text, at) => await fleet.deploy({ source: SAY(text) }, fleet.nodes[at])),
      );
      for (const { code } of replies) assert.ok(code === undefined || code === "deploy_conflict", String(code));
      const won = texts.filter((_, at) => replies[at]!.code === undefined);
      assert.ok(won.length > 0, "neither was taken");
      await fleet.whenRunning("fn", 1);
      assert.ok(won.includes(await ask(fleet, "fn")));
    }
  });

  it("have so many replicas fewer when those of one node, or one instance, are stopped", async () => {
    await using fleet = await TestFleet.start(2);
    const [first, second] = fleet.nodes;
    await fleet.deploy({ request: { replicas: 3 } });
    await fleet.whenRunning("fn", 3, (counts) => counts.size === 2);
    const here = (await fleet.instances("fn")).get(first!.node.id)!;
    const body = { name: "fn", only_here: true };
    const stopHere = signChange(first!, body, {}, fleet.issuer);
    assert.equal((await first!.ask(`$NEX.UNDEPLOY.default.${first!.node.id}`, stopHere)).error, undefined);
    await fleet.whenRunning("fn", 3 - here, (counts) => counts.size === 1 && counts.has(second!.node.id));
    const [detail] = await fleet.details();
    assert.equal(detail!.replicas, 3 - here);
    for (const { id } of detail!.instances) {
      const stopOne = stopRequest(second!, id, {}, fleet.issuer);
      assert.equal((await second!.ask(`$NEX.STOP.default.${second!.node.id}`, stopOne)).error, undefined);
    }
    await waitFor(async () => (await fleet.details()).length === 0, { message: "nothing to be left" });
  });
});
