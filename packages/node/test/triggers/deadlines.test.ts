import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@nex/testing";
import { MAX_ABANDONED } from "../../src/supervisor/plan.ts";
import { errorOf, outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

/** How much later than its deadline a caller may hear on a machine that does other things too, ms. */
const LENIENT_MS = 1500;

test("past the deadline the caller is told and the invocation's signal aborts", async () => {
  await using system = await TestSystem.start();
  await system.deploy(
    `export default async (event, ctx) => {
      if (event.text() === "quick") return "quick";
      await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      console.log("aborted", ctx.signal.reason.code);
    };`,
    { deadlineMs: 400 },
  );
  const start = performance.now();
  const reply = await system.request("fn");
  const took = performance.now() - start;
  const error = errorOf(reply);
  assert.equal(error.code, "deadline_exceeded");
  assert.equal(reply.headers?.get("Nats-Service-Error-Code"), "504");
  assert.match(error.message, /400 ms/);
  assert.ok(took >= 399 && took < 400 + LENIENT_MS, `${took} ms`);
  const record = await system.told.log("aborted");
  assert.equal(record.invocation_id, error.invocation_id);
  const note = await system.told.log("had not ended at its deadline of 400 ms");
  assert.deepEqual([note.stream, note.level, note.invocation_id], ["node", "warn", error.invocation_id]);
  assert.equal((await system.request("fn", "quick")).string(), "quick");
  assert.equal(system.told.count("runner_replaced"), 0, "a runner that merely waits goes on serving");
});

test("a blocked runner is killed: others in it hear interrupted, a fresh one serves what came meanwhile", async () => {
  await using system = await TestSystem.start();
  await system.deploy(
    `export default async (event) => {
      if (event.text() === "wait") await new Promise(() => undefined);
      if (event.text() === "loop") for (;;);
      return process.pid;
    };`,
    { deadlineMs: 3000, maxInFlight: 8 },
  );
  const before = (await system.request("fn", "pid")).string();
  const start = performance.now();
  const loop = system.request("fn", "loop");
  // Its own deadline must lie well behind the kill, which comes half a second after that of the loop.
  await waitFor(() => performance.now() - start > 1800);
  const others = ["wait", "wait"].map(async (text) => await system.request("fn", text));
  assert.equal(outcome(await loop), "deadline_exceeded");
  const meanwhile = system.request("fn", "pid");
  assert.deepEqual((await Promise.all(others)).map(outcome), ["interrupted", "interrupted"]);
  const after = (await meanwhile).string();
  assert.match(after, /^\d+$/);
  assert.notEqual(after, before);
  assert.equal((await system.told.event("runner_replaced")).data["reason"], "blocked");
  await system.told.log("endless loop");
  assert.equal(system.told.count("workload_crashed"), 0, "the sandbox stays");
});

test("a runner that blocks past a deadline but comes back serves at once what waited", async () => {
  await using system = await TestSystem.start();
  await system.deploy(
    `export default (event) => {
      if (event.text() !== "block") return process.pid;
      for (const end = performance.now() + 1250; performance.now() < end;);
    };`,
    { deadlineMs: 1000, maxInFlight: 4 },
  );
  const before = (await system.request("fn")).string();
  assert.equal(outcome(await system.request("fn", "block")), "deadline_exceeded");
  // Nothing is in flight now and the runner has not acknowledged the end of the call: this one waits in line.
  const reply = await system.request("fn");
  assert.equal(outcome(reply), "ok");
  assert.equal(reply.string(), before);
});

test("invocations that never settle free their slots, and past the cap their runner is retired with grace", async () => {
  await using system = await TestSystem.start();
  await system.deploy(
    `export default async (event) => {
      if (event.text() === "hang") await new Promise(() => undefined);
      if (event.text() === "slow") await new Promise((resolve) => setTimeout(resolve, 1500));
      return process.pid;
    };`,
    { deadlineMs: 3000, maxInFlight: MAX_ABANDONED + 8, maxWaiting: 8 },
  );
  const before = (await system.request("fn")).string();
  const start = performance.now();
  const hanging = Array.from({ length: MAX_ABANDONED + 1 }, async () => await system.request("fn", "hang"));
  // Begins before and ends after the others' deadline, so that it is under way when the runner is retired.
  await waitFor(() => performance.now() - start > 2200);
  const slow = system.request("fn", "slow");
  const codes = new Set((await Promise.all(hanging)).map(outcome));
  assert.deepEqual([...codes], ["deadline_exceeded"]);
  assert.equal((await slow).string(), before, "the old runner finishes what it has begun");
  const fresh = await waitFor(async () => {
    const pid = (await system.request("fn")).string();
    return pid === before ? undefined : pid;
  });
  assert.match(fresh, /^\d+$/);
  assert.equal((await system.told.event("runner_replaced")).data["reason"], "abandoned_invocations");
  assert.equal(system.told.count("workload_crashed"), 0);
  // The old one ends once everything it held is past its deadline.
  await waitFor(() => !system.watch.processes().some((line) => line.includes(`process ${before} `)));
});

test("messages in line whose deadline passes are told so, though no slot ever came free", async () => {
  await using system = await TestSystem.start();
  await system.deploy(`export default async () => await new Promise(() => undefined);`, {
    deadlineMs: 500,
    maxInFlight: 1,
  });
  const replies = await Promise.all([1, 2, 3].map(async () => await system.request("fn")));
  assert.deepEqual(replies.map(outcome), ["deadline_exceeded", "deadline_exceeded", "deadline_exceeded"]);
});
