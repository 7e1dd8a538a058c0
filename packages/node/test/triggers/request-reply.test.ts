import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "@nats-io/transport-node";
import { waitFor } from "@nex/testing";
import { errorOf } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

test("a message runs a function of the module form and brings back what it returns", async () => {
  await using system = await TestSystem.start();
  const source = `export default async (event, ctx) => ({
    subject: event.subject, text: event.text(), greeting: ctx.env.GREETING, workload: ctx.workload,
  });`;
  const detail = await system.deploy(source, { triggers: ["greet"], env: { GREETING: "hello" } });
  assert.equal(detail.state, "running");
  assert.equal(detail.revision, 1);
  const reply = await system.request("greet", "ada");
  assert.deepEqual(reply.json(), {
    subject: "greet",
    text: "ada",
    greeting: "hello",
    workload: { name: "fn", namespace: "default", revision: 1 },
  });
  assert.equal(reply.headers, undefined);
  assert.equal(system.supervisor.get("default", "fn").describe().invocations.ok, 1);
});

test("a message runs a function of the script form, one at a time and with fresh globals", async () => {
  await using system = await TestSystem.start();
  const source = `(subject, payload) => { globalThis.seen = (globalThis.seen ?? 0) + 1;
    return { subject, text: String.fromCharCode(...payload), seen: globalThis.seen }; }`;
  await system.deploy(source, { triggers: ["old.*"] });
  const replies = await Promise.all(["a", "b", "c"].map(async (text) => await system.request("old.style", text)));
  assert.deepEqual(
    replies.map((reply) => reply.json()),
    ["a", "b", "c"].map((text) => ({ subject: "old.style", text, seen: 1 })),
  );
});

test("a publish without a reply subject is run", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`export default (event) => console.log("got", event.text());`);
  system.client.publish("fn", "a note");
  const record = await system.told.log("got a note");
  assert.equal(record.stream, "console");
  assert.equal(record.workload, "fn");
  await waitFor(() => system.supervisor.get("default", "fn").describe().invocations.ok === 1);
});

test("headers go in and come out, several values of one name and traceparent among them", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`export default (event, ctx) =>
    ctx.reply([...event.headers], { headers: { traceparent: event.headers.get("traceparent"), "X-Many": ["1", "2"] } });`);
  const given = headers();
  given.append("Colour", "red");
  given.append("Colour", "blue");
  given.set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  const reply = await system.request("fn", "", given);
  assert.deepEqual(reply.json(), [
    ["Colour", ["red", "blue"]],
    ["traceparent", ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]],
  ]);
  assert.deepEqual(reply.headers?.values("X-Many"), ["1", "2"]);
  assert.equal(reply.headers.get("traceparent"), given.get("traceparent"));
});

test("headers that speak for the NATS server are stripped from a function's reply", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`export default (event, ctx) => ctx.reply("body", { headers:
    { "Nats-Service-Error-Code": "500", "nats-msg-id": "1", "NATS-Rollup": "all", "X-Nats": "stays" } });`);
  const reply = await system.request("fn");
  assert.equal(reply.string(), "body");
  assert.deepEqual([...(reply.headers ?? [])], [["X-Nats", ["stays"]]]);
});

test("what a function throws reaches its caller and, with the stack, its log under one invocation id", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`function fail() { throw new RangeError("out of\\r\\nNats-Evil: ü"); }
    export default () => fail();`);
  const reply = await system.request("fn");
  const error = errorOf(reply);
  assert.equal(error.code, "function_failed");
  assert.match(error.message, /RangeError: out of/);
  assert.equal(reply.headers?.get("Nats-Service-Error-Code"), "500");
  assert.equal(reply.headers.has("Nats-Evil"), false);
  const record = await system.told.log("RangeError");
  assert.equal(record.invocation_id, error.invocation_id);
  assert.equal(record.level, "error");
  assert.match(record.text, /at fail \(fn\.js:1:\d+\)/);
  assert.equal(system.supervisor.get("default", "fn").describe().invocations.failed, 1);
});

test("a rejected promise and a thrown value that is no error are answered too", async () => {
  await using system = await TestSystem.start();
  await system.deploy(
    `export default async (event) => { if (event.text() === "null") throw null; await Promise.reject("no"); };`,
  );
  assert.equal(errorOf(await system.request("fn", "null")).code, "function_failed");
  assert.equal(errorOf(await system.request("fn", "x")).code, "function_failed");
});
