import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { test } from "node:test";
import type { NexError } from "@nex/protocol";
import { findCgroups } from "../../src/cgroups/cgroups.ts";

const cgroups = findCgroups();
const skip = cgroups.limits.size === 0 && "this user may make no control groups here";

/** A process that runs `script` in the group. */
function start(entrances: readonly string[], script: string): ChildProcessByStdio<null, Readable, null> {
  const enter = entrances.map((file) => `echo 0 > ${file}`).join("\n");
  return spawn("/bin/sh", ["-ec", `${enter}\n${script}`], { stdio: ["ignore", "pipe", "ignore"] });
}

test("a process is in the group from its first moment, with all it starts", { skip }, async () => {
  const group = cgroups.create("test-enter");
  try {
    const child = start(group.entrances, "sleep 30 & echo up; wait");
    await once(child.stdout, "data");
    for (const file of group.entrances) {
      const pids = readFileSync(file, "utf8").trim().split("\n");
      assert.ok(pids.includes(String(child.pid)) && pids.length === 2, file);
    }
    const ended = once(child, "exit");
    await group.kill();
    assert.deepEqual(await ended, [null, "SIGKILL"]);
  } finally {
    await group.kill();
    await group.remove();
  }
  for (const file of group.entrances) assert.equal(existsSync(dirname(file)), false);
});

test("more processes than allowed are not made", { skip: skip || !cgroups.limits.has("processes") }, async () => {
  const group = cgroups.create("test-pids");
  try {
    group.limit({ processes: 3 });
    const child = start(group.entrances, "sleep 30 & sleep 30 & sleep 30 & sleep 30");
    const [code] = (await once(child, "exit")) as [number];
    assert.notEqual(code, 0);
  } finally {
    await group.kill();
    await group.remove();
  }
});

test(
  "a limit below what is in use is refused, and says so",
  { skip: skip || !cgroups.limits.has("memoryBytes") },
  async (t) => {
    const group = cgroups.create("test-memory");
    try {
      const script = `node -e 'globalThis.kept = Buffer.alloc(64 * 2 ** 20, 1); console.log("up"); setInterval(() => {}, 1000)'`;
      const child = start(group.entrances, script.replace("node", process.execPath));
      await once(child.stdout, "data");
      if (!group.entrances.some((file) => existsSync(join(dirname(file), "memory.limit_in_bytes"))))
        return t.skip("version 2 ends processes instead");
      assert.throws(
        () => group.limit({ memoryBytes: 4096 }),
        (error: NexError) => error.code === "sandbox_failed",
      );
      assert.equal(group.oomKills(), 0);
    } finally {
      await group.kill();
      await group.remove();
    }
  },
);

test("empty groups of a node that was killed are taken away, those of living ones stay", { skip }, async () => {
  const mine = cgroups.create("test-mine");
  const parents = mine.entrances.map((file) => dirname(dirname(file)));
  // A number that no process has any more, and one that has it but started at another time.
  const names = ["nex.4194303.1.left", `nex.${process.pid}.1.left`];
  const left = parents.flatMap((parent) => names.map((name) => join(parent, name)));
  for (const directory of left) mkdirSync(directory);
  try {
    cgroups.removeLeftovers();
    for (const directory of left) assert.equal(existsSync(directory), false, directory);
    for (const file of mine.entrances) assert.ok(existsSync(file));
  } finally {
    await mine.remove();
  }
});
