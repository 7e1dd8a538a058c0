import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { agentPrograms } from "@nex/testing";
import type { NexClient } from "../../src/index.ts";
import { expectNexError } from "../support/expect-nex-error.ts";
import { source, TestSystem } from "../support/system.ts";

describe("trigger", () => {
  let system: TestSystem;
  let nex: NexClient;

  before(async () => {
    agentPrograms();
    system = await TestSystem.start({ config: "max_payload: 65536" });
    await system.node();
    nex = await system.client();
    const deploy = async (name: string, text: string, triggers: string[], deadlineMs?: number): Promise<unknown> =>
      await nex.workloads.deploy({ name, kind: "javascript", artifact: source(text), triggers, deadlineMs });
    await deploy(
      "echo",
      "(event, ctx) => ctx.reply(event.bytes(), { headers: { 'X-Seen': event.headers.get('X-Sent') ?? 'none' } })",
      ["echo"],
    );
    await deploy("orders", "(event) => event.subject", ["orders.*.new", "orders.all"]);
    await deploy("failing", "() => { throw new Error('no luck today'); }", ["failing"]);
    await deploy("slow", "() => new Promise(() => {})", ["slow"], 100);
  });
  after(async () => await system[Symbol.asyncDispose]());

  it("carries bytes and headers both ways", async () => {
    const data = new Uint8Array([0, 255, 128, 10]);
    const reply = await nex.workloads.trigger("echo", { data, headers: { "X-Sent": ["yes"] } });
    assert.deepEqual(new Uint8Array(reply.data), data);
    assert.deepEqual(reply.headers["X-Seen"], ["yes"]);
    const empty = await nex.workloads.trigger("echo");
    assert.equal(empty.data.length, 0);
    assert.deepEqual(empty.headers["X-Seen"], ["none"]);
  });

  it("wants a subject that one of the triggers takes in", async () => {
    const { data } = await nex.workloads.trigger("orders", { subject: "orders.de.new" });
    assert.equal(new TextDecoder().decode(data), "orders.de.new");
    const unnamed = await expectNexError("invalid_request", nex.workloads.trigger("orders"));
    assert.match(unnamed.message, /has wildcards.*--subject.*orders\.\*\.new, orders\.all/);
    for (const subject of ["orders.de.old", "orders.*.new", "orders", ""]) {
      await expectNexError("invalid_request", nex.workloads.trigger("orders", { subject }));
    }
  });

  it("throws what the function or its node answered", async () => {
    const failed = await expectNexError("function_failed", nex.workloads.trigger("failing"));
    assert.match(failed.message, /no luck today/);
    assert.match(String(failed.data["invocation_id"]), /\S/);
    await expectNexError("deadline_exceeded", nex.workloads.trigger("slow"));
    await expectNexError("timeout", nex.workloads.trigger("slow", { timeoutMs: 20 }));
  });

  it("refuses what NATS cannot carry", async () => {
    await expectNexError("too_large", nex.workloads.trigger("echo", { data: new Uint8Array(70_000) }));
    await expectNexError("invalid_request", nex.workloads.trigger("echo", { headers: { "a b:": "" } }));
    await expectNexError("invalid_request", nex.workloads.trigger("echo", { headers: { a: "x\r\ny" } }));
    await expectNexError("invalid_request", nex.workloads.trigger("echo", { timeoutMs: 0 }));
  });

  it("can be given up", async () => {
    const signal = AbortSignal.timeout(30);
    await expectNexError("cancelled", nex.workloads.trigger("slow", { signal }));
  });
});
