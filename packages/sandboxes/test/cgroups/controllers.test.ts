import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@nex/testing";
import { CONTROLLERS } from "../../src/cgroups/hierarchies.ts";
import { readOomKills, writeLimits } from "../../src/cgroups/controllers.ts";

const LIMITS = { memoryBytes: 64 * 2 ** 20, processes: 12, cpus: 0.25 };

// The kernel's files are stood in for by ordinary ones: no machine has both versions of a controller at a time.
test("each version's files get the limits in its own language", async () => {
  await using directory = await temporaryDirectory();
  for (const file of ["memory.swap.max", "memory.memsw.limit_in_bytes"]) writeFileSync(join(directory.path, file), "");
  for (const controller of CONTROLLERS) {
    for (const version of [1, 2] as const) writeLimits(version, controller, directory.path, LIMITS);
  }
  const read = (file: string): string => readFileSync(join(directory.path, file), "utf8");
  assert.equal(read("pids.max"), "12");
  assert.deepEqual(["memory.max", "memory.swap.max", "cpu.max"].map(read), ["67108864", "0", "25000 100000"]);
  assert.deepEqual(["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"].map(read), ["67108864", "67108864"]);
  assert.deepEqual(["cpu.cfs_period_us", "cpu.cfs_quota_us"].map(read), ["100000", "25000"]);
});

test("what is not limited is not written", async () => {
  await using directory = await temporaryDirectory();
  for (const controller of CONTROLLERS) writeLimits(2, controller, directory.path, {});
  assert.throws(() => readFileSync(join(directory.path, "memory.max")), { code: "ENOENT" });
});

test("kills for want of memory are counted in each version's own file", async () => {
  await using directory = await temporaryDirectory();
  writeFileSync(join(directory.path, "memory.events"), "low 0\nhigh 0\nmax 31\noom 3\noom_kill 2\noom_group_kill 0\n");
  writeFileSync(join(directory.path, "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  assert.deepEqual([readOomKills(2, directory.path), readOomKills(1, directory.path)], [2, 5]);
});
