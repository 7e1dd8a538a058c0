import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isNexError } from "@nex/protocol";
import { temporaryDirectory, waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";

const OK = `export default () => "ok";`;

test("with an empty pool a deploy starts a sandbox of its own", async () => {
  await using system = await TestSystem.start({ poolSize: 0 });
  assert.equal(system.pool.readyCount, 0);
  await system.deploy(OK);
  assert.equal((await system.request("fn")).string(), "ok");
  assert.equal(system.watch.seen.length, 1);
});

test("the pool fills again after a sandbox was taken", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  await waitFor(() => system.pool.readyCount === 2);
  await system.deploy(OK);
  await waitFor(() => system.pool.readyCount === 2);
  assert.equal(system.watch.seen.length, 3);
});

test("more deploys at once than the pool holds are all served", async () => {
  await using system = await TestSystem.start();
  const names = ["a", "b", "c", "d"];
  await Promise.all(names.map(async (name) => await system.deploy(OK, { name })));
  for (const name of names) assert.equal((await system.request(name)).string(), "ok");
});

test("sandboxes that fail to start are reported, tried again more and more slowly, and a deploy says so", async () => {
  await using system = await TestSystem.start({ programs: { agent: "/nonexistent/agent.cjs" } });
  await waitFor(() => system.startFailures.length >= 3);
  assert.match(system.startFailures[0]!.message, /nonexistent/);
  await assert.rejects(system.deploy(OK), (error) => {
    return isNexError(error) && error.code === "no_sandbox" && error.message.includes("nonexistent");
  });
  // 0.2, 0.4, 0.8 … s apart: a loop without a pause would be at thousands.
  assert.ok(system.startFailures.length < 10, String(system.startFailures.length));
});

test("an agent that ends at once is reported with what it said", async () => {
  await using directory = await temporaryDirectory();
  const agent = join(directory.path, "agent.cjs");
  await writeFile(agent, `console.error("no agent today"); process.exitCode = 9;`);
  await using system = await TestSystem.start({ programs: { agent } });
  const failure = await waitFor(() => system.startFailures[0]);
  assert.equal(failure.code, "sandbox_failed");
  assert.match(failure.message, /exit code 9/);
  assert.match(failure.message, /no agent today/);
});

test("a withdrawn deploy takes no sandbox, whether one is ready or not", async () => {
  await using system = await TestSystem.start();
  await system.whenWarm();
  const refused = (error: unknown): boolean => isNexError(error) && error.code === "no_sandbox";
  await assert.rejects(system.pool.take(AbortSignal.abort()), refused);
  assert.equal(system.pool.readyCount, 1);
  await using empty = await TestSystem.start({ poolSize: 0 });
  await assert.rejects(empty.pool.take(AbortSignal.abort()), refused);
  assert.deepEqual(empty.watch.seen, []);
  const controller = new AbortController();
  const taking = empty.pool.take(controller.signal);
  controller.abort();
  await assert.rejects(taking, refused);
});

test("a deploy takes the sandbox that is starting already, and starts none beside it", async () => {
  await using system = await TestSystem.start();
  // The pool has begun, and nothing is ready.
  assert.equal(system.pool.readyCount, 0);
  const session = await system.pool.take(AbortSignal.timeout(30_000));
  assert.deepEqual(
    system.watch.seen.map(({ id }) => id),
    [session.id],
  );
  // Only now the next one ahead.
  await system.whenWarm();
  assert.equal(system.watch.seen.length, 2);
  await session.destroy(1000);
});

test("deploys that wait get sandboxes in the order of their arrival", async () => {
  await using system = await TestSystem.start({ poolSize: 0 });
  const order: number[] = [];
  const sessions = await Promise.all(
    [0, 1, 2].map(async (index) => {
      const session = await system.pool.take(AbortSignal.timeout(30_000));
      order.push(index);
      return session;
    }),
  );
  assert.deepEqual(order, [0, 1, 2]);
  assert.equal(system.watch.seen.length, 3);
  await Promise.all(sessions.map(async (session) => await session.destroy(1000)));
});

test("a deploy for which no sandbox gets ready in time is told so", async () => {
  await using directory = await temporaryDirectory();
  const agent = join(directory.path, "agent.cjs");
  await writeFile(agent, `setInterval(() => undefined, 1000);`);
  await using system = await TestSystem.start({ programs: { agent }, takeDeadlineMs: 300 });
  await assert.rejects(system.deploy(OK), (error) => {
    return isNexError(error) && error.code === "no_sandbox" && error.message.includes("within 0.3 s");
  });
});

test("a sandbox whose deploy was withdrawn while it started is kept for the next one, or ended", async () => {
  await using system = await TestSystem.start({ poolSize: 0 });
  const withdrawn = new AbortController();
  const taking = system.pool.take(withdrawn.signal);
  await waitFor(() => system.watch.seen.length === 1);
  withdrawn.abort();
  await assert.rejects(taking, (error) => isNexError(error) && error.code === "no_sandbox");
  await waitFor(() => system.watch.processes().length === 0, { message: "the end of the sandbox that nobody wants" });
});

test("a pool that closes while sandboxes are starting leaves none", async () => {
  await using system = await TestSystem.start({ poolSize: 3 });
  await system.pool.close();
  assert.equal(system.pool.readyCount, 0);
  await assert.rejects(system.deploy(OK), (error) => isNexError(error) && error.code === "no_sandbox");
});
