import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { processAlive, processes } from "@nex/testing";
import { borrowUserId, killAllOf, returnUserId } from "../src/process/user-ids.ts";

const skip = process.getuid?.() !== 0 && "only root may start processes of other users";

test("ids borrowed at once are all different and of nobody", { skip }, async () => {
  const uids = await Promise.all(Array.from({ length: 50 }, async () => await borrowUserId()));
  try {
    assert.equal(new Set(uids).size, 50);
    for (const uid of uids) assert.ok(uid >= 61_184 && uid <= 65_519);
  } finally {
    uids.forEach(returnUserId);
  }
});

/** Each of these processes starts the next one and ends: whoever looks finds the one that is already gone. */
const CHAIN = "for (1..100_000) { fork and exit }";

test("killAllOf catches processes that start one another faster than they can be seen", { skip }, async () => {
  const uid = await borrowUserId();
  try {
    const first = spawn("/usr/bin/perl", ["-e", CHAIN], { uid, gid: uid, stdio: "ignore", cwd: "/" });
    await once(first, "exit");
    await killAllOf(uid);
    for (let look = 0; look < 20; look++) {
      assert.deepEqual(
        processes().filter((process) => process.uid === uid),
        [],
      );
      await turn();
    }
  } finally {
    returnUserId(uid);
  }
});

test("killAllOf ends every process of the user and nobody else's", { skip }, async () => {
  const [uid, other] = [await borrowUserId(), await borrowUserId()];
  const start = (as: number) => spawn("/bin/sleep", ["60"], { uid: as, gid: as, detached: true, stdio: "ignore" });
  const [first, second, third] = [start(uid), start(uid), start(other)];
  try {
    await Promise.all([first, second, third].map(async (child) => await once(child, "spawn")));
    const ends = [once(first, "exit"), once(second, "exit")];
    await killAllOf(uid);
    await Promise.all(ends);
    assert.equal(processAlive(third.pid!), true);
  } finally {
    third.kill("SIGKILL");
    await once(third, "exit");
    returnUserId(uid);
    returnUserId(other);
  }
});
