import assert from "node:assert/strict";
import { test } from "node:test";
import type { Msg } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";

/** Answers with its name; a message "hold" first waits for an answer on the subject `gate`. */
const REVISION = (name: string): string => `
  export default async (event, { messaging }) => {
    if (event.text() === "hold") await messaging.request("gate", "", { timeoutMs: 20000 });
    return "${name}";
  };`;

/** A test's hand on the calls that are held. */
class Gate {
  readonly waiting: Msg[] = [];

  constructor(system: TestSystem) {
    system.client.subscribe("gate", { callback: (_, message) => void this.waiting.push(message) });
  }

  async whenHeld(): Promise<void> {
    await waitFor(() => this.waiting.length === 1, { message: "a call at the gate" });
  }

  open(): void {
    for (const message of this.waiting.splice(0)) message.respond();
  }
}

/** By subject, the number under which the server knows the node's subscription. */
async function subscriptionIds(system: TestSystem): Promise<Readonly<Record<string, string>>> {
  await using stack = new AsyncDisposableStack();
  const admin = await connect({ servers: system.nats.url, user: "sys", pass: "sys" });
  stack.defer(async () => await admin.close());
  const request = JSON.stringify({ subscriptions: true, subscriptions_detail: true });
  const reply = await admin.request("$SYS.REQ.SERVER.PING.CONNZ", request, { timeout: 5000 });
  const { data } = reply.json<{
    data: {
      connections: { name?: string; subscriptions_list_detail?: { subject: string; qgroup?: string; sid: string }[] }[];
    };
  }>();
  const all = data.connections.find(({ name }) => name === "node")?.subscriptions_list_detail ?? [];
  return Object.fromEntries(all.filter(({ qgroup }) => qgroup !== undefined).map(({ subject, sid }) => [subject, sid]));
}

test("a redeploy keeps the subscriptions that both revisions have, and only those", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  await system.deploy(REVISION("one"), { triggers: ["keep", "old"] });
  const before = await subscriptionIds(system);
  assert.deepEqual(Object.keys(before).sort(), ["keep", "old"]);
  await system.deploy(REVISION("two"), { triggers: ["new", "keep"] });
  const after = await subscriptionIds(system);
  assert.deepEqual(Object.keys(after).sort(), ["keep", "new"]);
  assert.equal(after["keep"], before["keep"]);
  for (const subject of ["keep", "new"]) assert.equal((await system.request(subject)).string(), "two");
});

test("replicas share one subscription for each trigger", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  await system.deploy(REVISION("one"), { replicas: 2 });
  const subscriptions = (await system.subscriptions()).filter((subject) => subject === "fn");
  assert.equal(subscriptions.length, 1);
});

test("messages that wait for a busy revision are run by the next one", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  await system.deploy(REVISION("one"), { triggers: ["fn"], maxInFlight: 1 });
  const gate = new Gate(system);
  const held = system.request("fn", "hold");
  await gate.whenHeld();
  const waiting = Array.from({ length: 3 }, async () => (await system.request("fn")).string());
  await system.client.flush();
  const deploying = system.deploy(REVISION("two"), { triggers: ["other", "fn"], maxInFlight: 1 });
  assert.deepEqual(await Promise.all(waiting), ["two", "two", "two"]);
  assert.equal(gate.waiting.length, 1, "the first one is still held");
  gate.open();
  assert.equal((await held).string(), "one");
  await deploying;
});

test("messages that wait for a trigger which the next revision has not are run by the one they came for", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  await system.deploy(REVISION("one"), { triggers: ["keep", "old"], maxInFlight: 1 });
  const gate = new Gate(system);
  const held = system.request("keep", "hold");
  await gate.whenHeld();
  const waiting = [system.request("old"), system.request("keep")];
  await system.client.flush();
  const deploying = system.deploy(REVISION("two"), { triggers: ["keep"] });
  assert.equal((await waiting[1])!.string(), "two");
  gate.open();
  assert.equal((await waiting[0])!.string(), "one");
  assert.equal((await held).string(), "one");
  await deploying;
  await assert.rejects(system.request("old"), /no responders/i);
});

test("a revision whose new trigger the server refuses leaves the subscriptions of the running one", async () => {
  const accounts = `
    accounts {
      APP { users: [{ user: app, password: app, permissions: { subscribe: { deny: "secret" } } }] }
      SYS { users: [{ user: sys, password: sys }] }
    }
    system_account: SYS
    no_auth_user: app`;
  await using system = await TestSystem.start({ accounts, jetstream: false, poolSize: 2 });
  await system.deploy(REVISION("one"), { triggers: ["keep"] });
  const before = await subscriptionIds(system);
  await assert.rejects(system.deploy(REVISION("two"), { triggers: ["added", "secret", "keep"] }), {
    code: "not_allowed",
  });
  assert.deepEqual(await subscriptionIds(system), before);
  assert.equal((await system.request("keep")).string(), "one");
});

test("stopping one of two instances leaves its messages to the other", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  const source = `export default () => String(process.pid);`;
  const { instances } = await system.deploy(source, { replicas: 2 });
  const before = new Set<string>();
  await waitFor(async () => before.add((await system.request("fn")).string()).size === 2);
  await system.supervisor.stopInstance(system.supervisor.get("default", "fn"), instances[0]!.id);
  const after = new Set<string>();
  for (let count = 0; count < 10; count++) after.add((await system.request("fn")).string());
  assert.equal(after.size, 1);
  assert.ok(before.has([...after][0]!));
});
