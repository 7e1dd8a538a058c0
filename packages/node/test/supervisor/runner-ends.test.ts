import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkloadDetail } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

const CRASHING = `export default async (event) => {
  if (event.text() === "exit") process.exit(3);
  if (event.text() === "throw") setImmediate(() => { throw new Error("nobody catches this"); });
  if (event.text() !== "pid") await new Promise(() => undefined);
  return process.pid;
};`;

for (const how of ["exit", "throw"]) {
  test(`a runner that ends by ${how} is replaced, and those in it are told`, async () => {
    await using system = await TestSystem.start();
    const { instances } = await system.deploy(CRASHING);
    const before = (await system.request("fn", "pid")).string();
    const waiting = system.request("fn", "wait");
    const crash = system.request("fn", how);
    assert.deepEqual([outcome(await waiting), outcome(await crash)], ["interrupted", "interrupted"]);
    const reply = await system.request("fn", "pid");
    assert.equal(outcome(reply), "ok");
    assert.notEqual(reply.string(), before);
    const event = await system.told.event("runner_replaced");
    assert.equal(event.data["id"], instances[0]?.id);
    await system.told.log(how === "exit" ? "exit code 3" : "exit code 70");
    if (how === "throw") await system.told.log("nobody catches this");
  });
}

test("a function that crashes at every message does not make the node spin, and serves again in between", async () => {
  await using system = await TestSystem.start();
  await system.deploy(CRASHING, { deadlineMs: 1000, maxInFlight: 4, maxWaiting: 1000 });
  const start = performance.now();
  let sent = 0;
  const outcomes: string[] = [];
  while (performance.now() - start < 3000) {
    sent++;
    outcomes.push(outcome(await system.request("fn", "exit")));
  }
  // One replacement at once, then about 0.2, 0.4, 0.8 … s apart.
  assert.ok(system.told.count("runner_replaced") <= 8, `${system.told.count("runner_replaced")} runners in 3 s`);
  assert.equal(outcomes.length, sent);
  assert.ok(
    outcomes.every((code) => ["interrupted", "deadline_exceeded"].includes(code)),
    outcomes.join(),
  );
  await waitFor(async () => outcome(await system.request("fn", "pid")) === "ok", { timeoutMs: 20_000 });
});

test("a function whose runner dies right after loading does not hang its callers", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`queueMicrotask(() => setImmediate(() => process.exit(1))); export default () => "ok";`, {
    deadlineMs: 800,
  });
  const codes = ["interrupted", "deadline_exceeded", "ok"];
  for (let run = 0; run < 3; run++) assert.ok(codes.includes(outcome(await system.request("fn"))));
});

test("a runner that crashes again and again shows as that, and as running once it has lasted", async () => {
  await using system = await TestSystem.start();
  await system.deploy(CRASHING, { deadlineMs: 20_000 });
  const detail = (): WorkloadDetail => system.supervisor.get("default", "fn").describe();
  assert.deepEqual([detail().state, detail().restarts, detail().last_error], ["running", 0, undefined]);
  assert.equal(outcome(await system.request("fn", "exit")), "interrupted");
  await waitFor(() => detail().restarts === 1);
  assert.equal(detail().state, "running");
  assert.match(detail().last_error?.message ?? "", /The runner was replaced: it ended by itself/);
  for (let crash = 2; crash <= 6; crash++) await system.request("fn", "exit");
  await waitFor(() => detail().state === "crash_loop");
  assert.ok(detail().restarts >= 5, String(detail().restarts));
  const event = await system.told.event("workload_crash_loop");
  assert.match(String(event.data["reason"]), /ended by itself/);
  await waitFor(() => detail().state === "running");
  assert.equal(outcome(await system.request("fn", "pid")), "ok");
});
