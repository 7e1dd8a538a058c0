import assert from "node:assert/strict";
import { test } from "node:test";
import { isNexError } from "@nex/protocol";
import { processAlive, waitFor } from "@nex/testing";
import { hostileAgent } from "../support/hostile-agent.ts";
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

test("a deploy that meets warm sandboxes that are just dying takes the next one", async () => {
  await using system = await TestSystem.start({ poolSize: 2 });
  for (const name of ["a", "b", "c"]) {
    await waitFor(() => system.pool.readyCount === 2);
    for (const { pid } of system.watch.seen.slice(-2)) process.kill(pid, "SIGKILL");
    // At once: nobody has noticed yet.
    const { instances } = await system.deploy(PID, { name });
    assert.equal(outcome(await system.request(name)), "ok");
    // The instance has the id of the sandbox that it is in.
    assert.ok(system.watch.find(instances[0]!.id).pid > 0);
  }
  await system.told.log("A sandbox was lost before it had the workload, the next one is taken");
});

test("a deploy gives up when three sandboxes in a row are lost, and leaves none", async () => {
  await using agent = await hostileAgent(`await greet(); ready(); onCall = () => process.exit(1);`);
  await using system = await TestSystem.start({ poolSize: 0, programs: { agent: agent.path } });
  await assert.rejects(
    system.deploy(PID),
    (error) => isNexError(error) && /^(link_closed|sandbox_failed)$/.test(error.code),
  );
  assert.equal(system.watch.seen.length, 3);
  assert.equal(system.supervisor.instanceCount, 0);
});

test("a function that takes its sandbox with it when it loads is not tried in the next one", async () => {
  await using system = await TestSystem.start({ poolSize: 0 });
  await assert.rejects(
    system.deploy(`process.kill(process.ppid, "SIGKILL"); await new Promise(() => undefined); export default () => 1;`),
    (error) => isNexError(error) && /^(link_closed|sandbox_failed)$/.test(error.code),
  );
  assert.equal(system.watch.seen.length, 1);
});
