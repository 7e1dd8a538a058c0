import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { controlSubjects } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { deployFunction, sha256, signChange, upload } from "./support/deploys.ts";
import { RunningNode } from "./support/running-node.ts";

/** Says which process its agent is, and which version it is. */
const version = (number: number): string => `export default () => JSON.stringify([process.ppid, ${number}]);`;

const ask = async (running: RunningNode): Promise<[pid: number, version: number]> =>
  JSON.parse((await running.request("fn")).string()) as [number, number];

test("workloads whose artifacts were cleared from the cache restart and roll back all the same", async () => {
  await using running = await RunningNode.start();
  const cache = join(running.directory, "cache");
  for (const number of [1, 2])
    assert.equal((await deployFunction(running, { source: version(number) })).error, undefined);
  assert.ok(existsSync(join(cache, sha256(version(2)))));

  await rm(cache, { recursive: true });
  const [agent, before] = await ask(running);
  assert.equal(before, 2);
  process.kill(agent, "SIGKILL");
  await running.told.event("workload_restarting");
  const [fresh, after] = await ask(running);
  assert.equal(after, 2);
  assert.notEqual(fresh, agent);

  await rm(cache, { recursive: true });
  const request = signChange(running, { name: "fn" }, { action: "rollback", hash: sha256(version(1)) });
  assert.equal((await running.ask(controlSubjects.rollback("default", running.node.id), request)).error, undefined);
  assert.equal((await ask(running))[1], 1);
});

test("an artifact that came from another bucket is fetched again from the nexus' own", async () => {
  await using running = await RunningNode.start();
  const source = version(3);
  const name = await upload(running.client, source, { bucket: "NEXCLIFILES" });
  const location = { Scheme: "nats", Host: "NEXCLIFILES", Path: name };
  const deployed = await deployFunction(running, { source, request: { location } });
  assert.equal(deployed.error, undefined);
  await rm(join(running.directory, "cache"), { recursive: true });
  const [agent] = await ask(running);
  process.kill(agent, "SIGKILL");
  await waitFor(async () => (await ask(running))[0] !== agent);
});
