import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NexClient } from "../../src/index.ts";
import { expectNexError } from "../support/expect-nex-error.ts";
import { source, TestSystem } from "../support/system.ts";

/** Deploys a small function and tells on which nodes it runs. */
async function deploy(nex: NexClient, name: string, node?: string): Promise<string[]> {
  const artifact = source("() => 1");
  const deployed = await nex.workloads.deploy({ name, kind: "javascript", artifact, triggers: [name], node });
  return deployed.instances.map((instance) => instance.node_id);
}

describe("placement", () => {
  it("takes the node that is named, else the one that runs the workload, else the idlest", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    const [one, two] = [await system.node(), await system.node()];
    assert.deepEqual(await deploy(nex, "a", one.id), [one.id]);
    assert.deepEqual(await deploy(nex, "b", one.id), [one.id]);
    assert.deepEqual(await deploy(nex, "c"), [two.id]);
    assert.deepEqual(await deploy(nex, "b"), [one.id]);
    assert.deepEqual(await deploy(nex, "d"), [two.id]);
  });

  it("leaves lame ducks alone", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    const [one, two] = [await system.node(), await system.node()];
    await deploy(nex, "busy", two.id);
    assert.deepEqual(await nex.nodes.lameDuck(one.id), { node_id: one.id, success: true });
    assert.deepEqual(await deploy(nex, "a"), [two.id]);
    await expectNexError("lame_duck", deploy(nex, "b", one.id));
    await nex.nodes.lameDuck(two.id);
    const error = await expectNexError("no_node", deploy(nex, "c"));
    assert.match(error.message, /lame duck mode \(2\).*nex up/);
  });

  it("says so when there is no node, without waiting", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client({ timeoutMs: 60_000 });
    const error = await expectNexError("no_node", deploy(nex, "a"));
    assert.match(error.message, /nex up/);
    await expectNexError("node_not_found", deploy(nex, "a", `N${"A".repeat(55)}`));
  });

  it("takes a node that does not answer for none", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client({ timeoutMs: 100 });
    const silent = await system.connection();
    silent.subscribe("$NEX.>");
    await silent.flush();
    await expectNexError("node_not_found", deploy(nex, "a", `N${"B".repeat(55)}`));
    await expectNexError("no_node", deploy(nex, "a"));
  });
});
