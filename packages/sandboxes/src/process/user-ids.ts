import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { NexError } from "@nex/protocol";
import { withoutInherited } from "@nex/system";

/** The range that Linux distributions set aside for users made on the fly; nobody's login is in it. */
const FIRST = 61_184;
const LAST = 65_519;

const taken = new Set<number>();

/** A user id that no process on this machine has, ours until it is given back. */
export async function borrowUserId(): Promise<number> {
  const busy = await busyUserIds();
  const count = LAST - FIRST + 1;
  // From anywhere in the range: two nodes that look at the same moment should not meet.
  const start = Math.floor(Math.random() * count);
  for (let step = 0; step < count; step++) {
    const uid = FIRST + ((start + step) % count);
    if (taken.has(uid) || busy.has(uid)) continue;
    taken.add(uid);
    return uid;
  }
  throw new NexError("sandbox_failed", `All user ids from ${FIRST} to ${LAST} are in use.`);
}

export function returnUserId(uid: number): void {
  taken.delete(uid);
}

/** Looks in a row that find nothing before a user counts as gone. */
const QUIET_ROUNDS = 2;

/**
 * Kills every process of `uid` until none is left: a workload may have left its process group, but it cannot
 * leave its user. One after another they could not be caught, if each starts the next and ends before it is seen; the
 * kernel kills all of a user at once for a process of that user.
 */
export async function killAllOf(uid: number): Promise<void> {
  let quiet = 0;
  for (let round = 0; round < 50 && quiet < QUIET_ROUNDS; round++) {
    // Once more only if somebody was still there.
    if (quiet === 0) await killAsUser(uid);
    quiet = (await processesOf(uid)).length === 0 ? quiet + 1 : 0;
    if (quiet === 0) await new Promise((resolve) => setTimeout(resolve, round));
  }
}

/** Signals all that this user may signal, which is its own processes, but for the one that does it. */
async function killAsUser(uid: number): Promise<void> {
  try {
    const killer = spawn("/bin/sh", ["-c", "kill -KILL -1"], {
      uid,
      gid: uid,
      // Others of this user can look into what it has open.
      stdio: withoutInherited(["ignore", "ignore", "ignore"]),
      env: {},
      cwd: "/",
    });
    await once(killer, "exit");
  } catch {
    // It could not be started; who is still there is looked for all the same.
  }
}

async function busyUserIds(): Promise<Set<number>> {
  const busy = new Set<number>();
  for (const { uid } of await processes()) busy.add(uid);
  return busy;
}

async function processesOf(uid: number): Promise<number[]> {
  return (await processes()).filter((found) => found.uid === uid).map((found) => found.pid);
}

async function processes(): Promise<{ readonly pid: number; readonly uid: number }[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        // Not the owner of the directory: a process can make that root, by saying that its memory is not to be dumped.
        const status = await readFile(`/proc/${name}/status`, "latin1");
        // One that has ended and only waits for its parent to notice cannot be killed again.
        if (/^State:\s+[ZX]/m.test(status)) return undefined;
        return { pid: Number(name), uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) };
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((entry) => entry !== undefined);
}
