import assert from "node:assert/strict";
import { before, test } from "node:test";
import { waitFor } from "@nex/testing";
import { findCgroups } from "@nex/sandboxes/testing";
import { attack, buildAttacker, outcomeOf } from "../../support/attacker.ts";
import { makeBubblewrapDriver, noBubblewrap, MEBIBYTE } from "@nex/testing/sandboxes";
import { TestSystem } from "../../support/system.ts";

const skip =
  noBubblewrap || (findCgroups().limits.size < 3 && "this user may make no control groups with all controllers here");

let attacker: Buffer;
before(async () => void (attacker = await buildAttacker()));

test("a function past its memory limit is replaced, and everybody is told why", { skip }, async () => {
  const driver = makeBubblewrapDriver({ limits: { memoryBytes: 96 * MEBIBYTE } });
  await using system = await TestSystem.start({ driver });
  await system.deploy(
    `const kept = []; export default (event) => {
       if (event.text() === "eat") for (let n = 0; n < 512; n++) kept.push(Buffer.alloc(1 << 20, 1));
       return "ate nothing";
     };`,
  );
  await system.request("fn", "eat");
  const { data } = await system.told.event("runner_replaced");
  assert.equal(data["reason"], "out_of_memory");
  await system.told.log("memory limit");
  assert.equal((await system.request("fn")).string(), "ate nothing");
  assert.equal(system.told.count("workload_crashed"), 0, "the agent has lived through it");
});

test("a deploy narrows its own sandbox", { skip }, async () => {
  const driver = makeBubblewrapDriver({ limits: { memoryBytes: 1024 * MEBIBYTE, processes: 1000 } });
  await using system = await TestSystem.start({ driver });
  await system.deploy(attacker, { ...attack("bomb", 200), limits: { processes: 20 } });
  assert.equal(await outcomeOf(system, "forks"), "held");
  await system.supervisor.stop("default", "attacker");
  await system.deploy(attacker, { ...attack("eat", 512), limits: { memoryBytes: 32 * MEBIBYTE } });
  const { data } = await waitFor(() => system.told.events.find(({ type }) => type === "workload_undeployed"));
  assert.match(String((data as { message?: string }).message), /memory limit/);
});

test("processor time is shared out", { skip }, async () => {
  const spin = `export default () => {
    const end = performance.now() + 1000;
    const before = process.cpuUsage();
    while (performance.now() < end);
    const { user, system } = process.cpuUsage(before);
    return String((user + system) / 1e6);
  };`;
  await using system = await TestSystem.start({ driver: makeBubblewrapDriver({ limits: { cpus: 2 } }) });
  await system.deploy(spin, { limits: { cpus: 0.2 } });
  const used = Number((await system.request("fn")).string());
  assert.ok(used < 0.45, `${used} of a second's processor time`);
});
