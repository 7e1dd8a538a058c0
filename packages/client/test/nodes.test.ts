import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeMessage, failureEnvelope, NexError, successEnvelope } from "@nex/protocol";
import { expectNexError } from "./support/expect-nex-error.ts";
import { TestSystem } from "./support/system.ts";

const GHOST = `N${"C".repeat(55)}`;

describe("nodes", () => {
  it("are listed by id, with what they say of themselves", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client();
    const nodes = [await system.node({ tags: { rack: "1" } }), await system.node({ tags: { rack: "1" } })];
    const list = await nex.nodes.list();
    assert.deepEqual(
      list.map((node) => node.node_id),
      nodes.map(({ id }) => id).sort(),
    );
    assert.equal(list[0]?.tags?.["rack"], "1");
    const info = await nex.nodes.info(nodes[0]!.id);
    assert.equal(info.node_id, nodes[0]!.id);
    assert.equal(info.public_xkey, list.find((node) => node.node_id === info.node_id)?.target_xkey);
  });

  it("are none at once where nobody listens", async () => {
    await using system = await TestSystem.start();
    const nex = await system.client({ timeoutMs: 60_000 });
    const started = performance.now();
    assert.deepEqual(await nex.nodes.list(), []);
    assert.deepEqual(await nex.workloads.list(), []);
    assert.deepEqual(await nex.logs.recent(), []);
    await expectNexError("node_not_found", nex.nodes.info(GHOST));
    await expectNexError("node_not_found", nex.nodes.lameDuck(GHOST));
    assert.ok(performance.now() - started < 10_000);
  });

  it("do not hold up the list: it ends a quiet time after the last answer, and when time is up", async () => {
    await using system = await TestSystem.start();
    const node = await system.connection();
    const body = (id: string): Uint8Array =>
      encodeMessage(
        successEnvelope("io.nats.nex.v1.ping_response", {
          node_id: id,
          version: "0.2.7",
          uptime: "1s",
          target_xkey: "X",
          running_machines: 0,
        }),
      );
    node.subscribe("$NEX.PING", { callback: (_, message) => void message.respond(body("Nquick")) });
    await node.flush();
    const patient = await system.client({ timeoutMs: 60_000 });
    const started = performance.now();
    assert.equal((await patient.nodes.list()).length, 1);
    assert.ok(performance.now() - started < 10_000);

    // Answers without end, each within the quiet time.
    node.subscribe("$NEX.PING", {
      callback: (_, message) => {
        let count = 0;
        const timer = setInterval(() => {
          if (node.isClosed()) clearInterval(timer);
          else message.respond(body(`N${count++}`));
        }, 20);
      },
    });
    await node.flush();
    const hurried = await system.client({ timeoutMs: 400 });
    assert.ok((await hurried.nodes.list()).length > 1);
  });

  it("that answer nonsense are passed over, unless there is no other", async () => {
    await using system = await TestSystem.start();
    const other = await system.connection();
    const nex = await system.client();
    for (const [code, answer] of [
      ["invalid_request", new TextEncoder().encode("{")],
      [
        "rate_limited",
        encodeMessage(failureEnvelope("io.nats.nex.v1.ping_response", new NexError("rate_limited", "Too much."))),
      ],
    ] as const) {
      const subscription = other.subscribe("$NEX.PING", { callback: (_, message) => void message.respond(answer) });
      await other.flush();
      await expectNexError(code, nex.nodes.list());
      if (code === "invalid_request") subscription.unsubscribe();
    }
    const { id } = await system.node();
    assert.deepEqual(
      (await nex.nodes.list()).map((node) => node.node_id),
      [id],
    );
  });
});
