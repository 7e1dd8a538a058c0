import assert from "node:assert/strict";
import { test } from "node:test";
import { processAlive, waitFor } from "@nex/testing";
import { outcome } from "../support/reply.ts";
import { TestSystem } from "../support/system.ts";

const PID = "export default (event) => process.pid;";

test("kill -9 of an agent: a fresh sandbox, the same instance, and an event that says why", async () => {
  await using system = await TestSystem.start();
  const { instances } = await system.deploy(PID);
  const id = instances[0]!.id;
  const runner = Number((await system.request("fn")).string());
  const { pid, directory } = system.watch.find(id);
  process.kill(pid, "SIGKILL");
  const event = await system.told.event("workload_crashed");
  assert.equal(event.data["id"], id);
  assert.match(String(event.data["reason"]), /SIGKILL/);
  const fresh = Number((await system.request("fn")).string());
  assert.notEqual(fresh, runner);
  await waitFor(() => !processAlive(runner));
  await waitFor(() => !system.watch.processes().some((line) => line.includes(directory)));
  const detail = await waitFor(() => {
    const now = system.supervisor.get("default", "fn").describe();
    return now.state === "running" ? now : undefined;
  });
  assert.equal(detail.instances[0]?.id, id);
  assert.equal(detail.restarts, 1);
  assert.equal(system.supervisor.findByInstance(id)?.name, "fn");
});

test("messages under way when an agent dies are told, those that come after are served by the next sandbox", async () => {
  await using system = await TestSystem.start();
  const { instances } = await system.deploy(
    `export default async (event) => { if (event.text() === "wait") await new Promise(() => undefined); return "ok"; };`,
  );
  const waiting = system.request("fn", "wait");
  await waitFor(() => system.supervisor.get("default", "fn").describe().invocations.in_flight === 1);
  process.kill(system.watch.find(instances[0]!.id).pid, "SIGKILL");
  assert.equal(outcome(await waiting), "interrupted");
  assert.equal(outcome(await system.request("fn", "x")), "ok");
});

test("an agent that dies again and again is restarted more and more slowly, and a stop ends that", async () => {
  await using system = await TestSystem.start();
  await system.deploy(PID);
  const start = performance.now();
  while (performance.now() - start < 2500) {
    for (const { pid } of system.watch.seen) if (processAlive(pid)) process.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(system.watch.seen.length < 40, `${system.watch.seen.length} sandboxes in 2.5 s`);
  await system.supervisor.stop("default", "fn");
  assert.equal(system.supervisor.instanceCount, 0);
});

test("a warm sandbox that dies is replaced before anybody asks for it", async () => {
  await using system = await TestSystem.start();
  await system.whenWarm();
  process.kill(system.watch.seen[0]!.pid, "SIGKILL");
  await waitFor(() => system.watch.seen.length === 2 && system.pool.readyCount === 1);
  await system.deploy(PID);
  assert.equal(outcome(await system.request("fn")), "ok");
});
