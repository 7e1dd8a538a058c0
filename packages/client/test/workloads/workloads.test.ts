import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { NexNode } from "@nex/node";
import { encodeMessage, type WorkloadsRequest } from "@nex/protocol";
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
      "wanted",
    ]);
    assert.equal((await elsewhere.workloads.list()).length, 1);
    assert.equal((await nex.workloads.get("ant")).instances.length, 2);
  });

  it("of a node with more than fit one message are asked for page by page, or by name", async () => {
    await using own = await TestSystem.start();
    const client = await own.client();
    const node = await own.node();
    await client.workloads.deploy({
      name: "here",
      kind: "javascript",
      artifact: source("() => 1"),
      triggers: ["here"],
    });
    const real = await client.workloads.get("here");
    // Another node, as far as a listing goes, with 25 workloads of which ten fit one message.
    const other = await own.connection();
    const names = Array.from({ length: 25 }, (_, index) => `many-${String(index).padStart(2, "0")}`);
    const asked: unknown[] = [];
    other.subscribe("$NEX.WORKLOADS.default", {
      callback: (_, message) => {
        const { name, node_id = "OTHER", after: from = "" } = message.json<WorkloadsRequest>();
        asked.push({ name, node_id, from });
        if (node_id !== "OTHER") return;
        const wanted = names.filter((each) => each > from && (name === undefined || each === name));
        const page = wanted.slice(0, 10);
        const data = {
          node_id: "OTHER",
          workloads: page.map((each) => ({ ...real, name: each })),
          ...(wanted.length > 10 ? { next: page.at(-1) } : {}),
        };
        message.respond(encodeMessage({ type: "io.nats.nex.v1.workloads_response", data }));
      },
    });
    await other.flush();
    const listed = (await client.workloads.list()).map(({ name }) => name);
    assert.deepEqual(listed, ["here", ...names]);
    assert.deepEqual(asked, [
      { name: undefined, node_id: "OTHER", from: "" },
      { name: undefined, node_id: "OTHER", from: "many-09" },
      { name: undefined, node_id: "OTHER", from: "many-19" },
    ]);
    asked.length = 0;
    assert.equal((await client.workloads.get("many-17")).name, "many-17");
    assert.deepEqual(asked, [{ name: "many-17", node_id: "OTHER", from: "" }]);
    assert.deepEqual((await client.nodes.info(node.id, { machines: false })).machines, []);
    assert.equal((await client.nodes.info(node.id)).machines.length, 1);
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
