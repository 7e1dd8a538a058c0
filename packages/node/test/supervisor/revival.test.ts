import assert from "node:assert/strict";
import { test } from "node:test";
import { processes, waitFor } from "@nex/testing";
import { hostileAgent } from "../support/hostile-agent.ts";
import { withInitSystem, withTwins } from "../support/init-system.ts";
import { TestSystem } from "../support/system.ts";

const OK = `export default () => "ok";`;

/** The agent of a sandbox, whichever it is by now. */
function agentsIn(directory: string): number[] {
  return processes()
    .filter(({ command }) => command.includes("--runner") && command.includes(directory))
    .map(({ pid }) => pid);
}

test("an agent that dies while it waits is followed by another one, in the same sandbox and with a new token", async () => {
  await using system = await TestSystem.start({ driver: withInitSystem() });
  await system.whenWarm();
  const [seen] = system.watch.seen;
  for (let life = 0; life < 2; life++) {
    const before = agentsIn(seen!.directory);
    assert.equal(before.length, 1);
    process.kill(before[0]!, "SIGKILL");
    await waitFor(() => agentsIn(seen!.directory).some((pid) => pid !== before[0]), { message: "the next agent" });
  }
  const detail = await system.deploy(OK);
  assert.equal(detail.instances[0]!.id, seen!.id);
  assert.equal((await system.request("fn")).string(), "ok");
});

test("an agent that dies with a workload in its sandbox is not let in again", async () => {
  await using system = await TestSystem.start({ driver: withInitSystem(), poolSize: 0 });
  await system.deploy(OK);
  const [first] = system.watch.seen;
  process.kill(agentsIn(first!.directory)[0]!, "SIGKILL");
  await waitFor(() => system.watch.seen.length === 2, { message: "a fresh sandbox" });
  assert.equal((await waitFor(async () => await system.request("fn"))).string(), "ok");
  await waitFor(() => agentsIn(first!.directory).length === 0, { message: "the end of the first sandbox" });
});

test("agents that die one after another make the sandbox count as broken", async () => {
  await using agent = await hostileAgent(`await greet(); ready(); setTimeout(() => process.exit(3), 50);`);
  await using system = await TestSystem.start({ driver: withInitSystem(), programs: { agent: agent.path } });
  await waitFor(() => system.watch.seen.length >= 2, { message: "a second sandbox" });
});

test("a second agent beside the first is refused and takes nothing from it", async () => {
  await using system = await TestSystem.start({ driver: withTwins() });
  await system.whenWarm();
  const [seen] = system.watch.seen;
  await waitFor(() => agentsIn(seen!.directory).length === 1, { message: "the end of one of the two" });
  await system.deploy(OK);
  assert.equal((await system.request("fn")).string(), "ok");
  assert.equal(system.supervisor.get("default", "fn").instances[0]!.id, seen!.id);
  await system.told.log("has an agent already");
});
