import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@nex/testing";
import { errorOf, outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

const HANG = "export default async () => await new Promise(() => undefined);";

test("replicas share the messages: each is answered once, and every replica has its part", async () => {
  await using system = await TestSystem.start();
  const source = `export default (event, ctx) => ({ text: event.text(), by: ctx.invocationId.slice(0, 20) });`;
  const { instances } = await system.deploy(source, { replicas: 2, maxInFlight: 512 });
  assert.equal(instances.length, 2);
  const texts = Array.from({ length: 400 }, (_, index) => String(index));
  const replies = await Promise.all(texts.map(async (text) => await system.request("fn", text)));
  const answers = replies.map((reply) => reply.json<{ text: string; by: string }>());
  assert.deepEqual(
    answers.map(({ text }) => text),
    texts,
  );
  assert.deepEqual(new Set(answers.map(({ by }) => by)), new Set(instances.map(({ id }) => id)));
  assert.equal(system.supervisor.get("default", "fn").describe().invocations.ok, 400);
});

test("no more than max_in_flight run at once, and all that wait have their turn in order", async () => {
  await using system = await TestSystem.start();
  const source = `let running = 0, most = 0; const order = [];
    export default async (event) => {
      order.push(event.text()); most = Math.max(most, ++running);
      await new Promise(setImmediate); running--;
      return { most, order };
    };`;
  await system.deploy(source, { maxInFlight: 3 });
  const texts = Array.from({ length: 50 }, (_, index) => String(index));
  const replies = await Promise.all(texts.map(async (text) => await system.request("fn", text)));
  const last = replies.map((reply) => reply.json<{ most: number; order: string[] }>()).at(-1);
  assert.equal(last?.most, 3);
  assert.deepEqual(last.order, texts);
});

test("past the waiting line callers are told overloaded at once, those in it keep their place", async () => {
  await using system = await TestSystem.start();
  await system.deploy(HANG, { maxInFlight: 2, maxWaiting: 3, deadlineMs: 2000 });
  const settled: string[] = [];
  const requests = Array.from({ length: 8 }, async () => settled.push(outcome(await system.request("fn"))));
  await waitFor(() => settled.length === 3);
  assert.deepEqual(settled, ["overloaded", "overloaded", "overloaded"]);
  assert.equal(system.supervisor.get("default", "fn").describe().invocations.in_flight, 2);
  await Promise.all(requests);
  assert.deepEqual(
    settled.slice(3),
    Array.from({ length: 5 }, () => "deadline_exceeded"),
  );
});

test("an overloaded reply has the service error headers and the agreed body", async () => {
  await using system = await TestSystem.start();
  await system.deploy(HANG, { maxInFlight: 1, maxWaiting: 0, deadlineMs: 1000 });
  const first = system.request("fn");
  await waitFor(() => system.supervisor.get("default", "fn").describe().invocations.in_flight === 1);
  const reply = await system.request("fn");
  assert.equal(reply.headers?.get("Nats-Service-Error-Code"), "429");
  assert.match(reply.headers.get("Nats-Service-Error"), /Try again later/);
  const { code, message, invocation_id } = errorOf(reply);
  assert.equal(code, "overloaded");
  assert.equal(message, reply.headers.get("Nats-Service-Error"));
  assert.match(invocation_id, /^[0-9a-v]{20}-w\d+$/);
  assert.equal(outcome(await first), "deadline_exceeded");
});

test("a flood of messages without a reply does not grow the node's line past its bound", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`export default async () => { await new Promise(setImmediate); };`, {
    maxInFlight: 4,
    maxWaiting: 16,
  });
  for (let index = 0; index < 20_000; index++) system.client.publish("fn", "x".repeat(64));
  await system.client.flush();
  const counts = () => system.supervisor.get("default", "fn").describe().invocations;
  await waitFor(() => counts().ok + counts().failed === 20_000, { timeoutMs: 30_000 });
  assert.ok(counts().failed > 0, "some were turned away");
  assert.equal(outcome(await system.request("fn")), "ok");
});
