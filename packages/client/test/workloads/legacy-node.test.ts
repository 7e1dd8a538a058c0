import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SigningKey } from "@nex/protocol";
import { expectNexError } from "../support/expect-nex-error.ts";
import { LegacyNode } from "../support/legacy-node.ts";
import { source, TestSystem } from "../support/system.ts";

const fn = (name: string) => ({ name, kind: "javascript", artifact: source("() => 1"), triggers: [name] }) as const;

describe("nodes of nex 0.2.7 in a fleet", () => {
  it("are passed over, however little they have to do", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    const nodes = await Promise.all([1, 2, 3].map(async () => await LegacyNode.start(await system.connection())));
    const error = await expectNexError("no_node", nex.workloads.deploy(fn("early")));
    assert.match(error.message, /Only nodes of nex 0\.2\.7 answered \(3\), which are used when named \(--node\)/);
    const node = await system.node();
    for (const name of ["a", "b", "c", "d", "e"]) {
      const { instances } = await nex.workloads.deploy(fn(name));
      assert.deepEqual(
        instances.map(({ node_id }) => node_id),
        [node.id],
      );
    }
    assert.equal((await nex.nodes.list()).length, nodes.length + 1);
  });

  it("are used, shown and told to stop when they are named", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    const legacy = await LegacyNode.start(await system.connection());
    const node = legacy.id;
    // The bucket of artifacts is there, as on any fleet that mixes both.
    await system.node();
    const deployed = await nex.workloads.deploy({ ...fn("old"), node });
    assert.deepEqual(
      [deployed.state, deployed.instances[0]?.node_id, deployed.isOnLegacyNode],
      ["running", node, true],
    );
    await nex.workloads.deploy({ ...fn("other"), node });

    const detail = await nex.workloads.get("old", { node });
    assert.deepEqual([detail.kind, detail.description, detail.revisions], ["javascript", "made by a test", []]);
    assert.deepEqual(detail.instances, [
      { id: deployed.instances[0]?.id, node_id: node, state: "running", uptime_ms: 63_000 },
    ]);
    await expectNexError("workload_not_found", nex.workloads.get("old"));

    const stranger = await system.client({ issuer: SigningKey.create("account") });
    await assert.rejects(stranger.workloads.stop("old", { node }), /the only entity allowed to terminate/);
    const stopped = await nex.workloads.stop("old", { node });
    assert.deepEqual(stopped.instances, [{ id: deployed.instances[0]?.id, node_id: node }]);
    assert.deepEqual(
      legacy.machines.map(({ name }) => name),
      ["other"],
    );
    await expectNexError("workload_not_found", nex.workloads.stop("old", { node }));
  });

  it("stand beside ours, which can be named too", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    const [one, two] = [await system.node(), await system.node()];
    await nex.workloads.deploy({ ...fn("both"), node: one.id });
    await nex.workloads.deploy({ ...fn("both"), node: two.id });
    assert.equal((await nex.workloads.get("both")).instances.length, 2);
    assert.deepEqual(
      (await nex.workloads.get("both", { node: two.id })).instances.map(({ node_id }) => node_id),
      [two.id],
    );
    await nex.workloads.stop("both", { node: two.id });
    assert.deepEqual(
      (await nex.workloads.get("both")).instances.map(({ node_id }) => node_id),
      [one.id],
    );
    await expectNexError("node_not_found", nex.workloads.get("both", { node: `N${"A".repeat(55)}` }));
  });
});
