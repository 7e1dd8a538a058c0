import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { NexNode } from "@nex/node";
import type { NexClient } from "../../src/index.ts";
import { expectNexError } from "../support/expect-nex-error.ts";
import { source, TestSystem } from "../support/system.ts";

describe("workloads", () => {
  let system: TestSystem;
  let nex: NexClient;
  let nodes: NexNode[];

  before(async () => {
    system = await TestSystem.start();
    nodes = [await system.node(), await system.node()];
    nex = await system.client();
  });
  after(async () => await system[Symbol.asyncDispose]());

  const deploy = async (name: string, answer: string, node?: NexNode, client = nex): Promise<void> => {
    const artifact = source(`() => "${answer}"`);
    await client.workloads.deploy({ name, kind: "javascript", artifact, triggers: [name], node: node?.id });
  };
  const answer = async (name: string): Promise<string> =>
    new TextDecoder().decode((await nex.workloads.trigger(name)).data);

  it("are listed by name, once each, with the instances of all nodes", async () => {
    await deploy("zebra", "z");
    for (const node of nodes) await deploy("ant", "a", node);
    const elsewhere = await system.client({ namespace: "elsewhere" });
    await deploy("zebra", "z", undefined, elsewhere);

    for (let count = 0; count < 10; count++) assert.equal(await answer("ant"), "a");
    const [ant, zebra, ...others] = await nex.workloads.list();
    assert.deepEqual(others, []);
    assert.deepEqual([ant?.name, zebra?.name], ["ant", "zebra"]);
    assert.deepEqual(ant?.instances.map((instance) => instance.node_id).sort(), nodes.map(({ id }) => id).sort());
    assert.deepEqual(ant.invocations, { ok: 10, failed: 0, in_flight: 0 });
    assert.deepEqual(Object.keys(ant).sort(), [
      "instances",
      "invocations",
      "kind",
      "name",
      "namespace",
      "restarts",
      "revision",
      "state",
      "triggers",
    ]);
    assert.equal((await elsewhere.workloads.list()).length, 1);
    assert.equal((await nex.workloads.get("ant")).instances.length, 2);
  });

  it("are stopped on all nodes", async () => {
    for (const node of nodes) await deploy("both", "b", node);
    const stopped = await nex.workloads.stop("both");
    assert.equal(stopped.name, "both");
    assert.equal(stopped.namespace, "default");
    assert.deepEqual(stopped.instances.map((instance) => instance.node_id).sort(), nodes.map(({ id }) => id).sort());
    await expectNexError("workload_not_found", nex.workloads.get("both"));
    await expectNexError("workload_not_found", nex.workloads.stop("both"));
    await expectNexError("workload_not_found", nex.workloads.trigger("both"));
    await expectNexError("workload_not_found", nex.workloads.rollback("both"));
  });

  it("go back to the revision before, or to a given one", async () => {
    for (const version of ["one", "two", "three"]) await deploy("versions", version);
    const back = await nex.workloads.rollback("versions");
    assert.deepEqual([back.name, back.revision, back.state, back.instances.length], ["versions", 2, "running", 1]);
    assert.equal(await answer("versions"), "two");
    assert.equal((await nex.workloads.rollback("versions", 3)).revision, 3);
    assert.equal(await answer("versions"), "three");
    assert.equal((await nex.workloads.rollback("versions", 1)).revision, 1);
    const error = await expectNexError("revision_not_found", nex.workloads.rollback("versions"));
    assert.match(error.message, /revision 1 runs, besides it are kept: 3, 2/);
    await expectNexError("revision_not_found", nex.workloads.rollback("versions", 1));
    await expectNexError("revision_not_found", nex.workloads.rollback("versions", 9));
  });

  it("go back on all nodes or on none", async () => {
    for (const version of ["one", "two"]) await deploy("uneven", version, nodes[0]);
    await deploy("uneven", "only", nodes[1]);
    await expectNexError("revision_not_found", nex.workloads.rollback("uneven"));
    assert.equal((await nex.workloads.get("uneven")).revision, 2);
    await deploy("uneven", "more", nodes[1]);
    assert.equal((await nex.workloads.rollback("uneven")).instances.length, 2);
    assert.equal((await nex.workloads.get("uneven")).revision, 1);
  });
});
