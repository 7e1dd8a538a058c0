import { readdir, stat } from "node:fs/promises";
import { NexError } from "@nex/protocol";

/** The range that Linux distributions set aside for users made on the fly; nobody's login is in it. */
const FIRST = 61_184;
const LAST = 65_519;

const taken = new Set<number>();

/** A user id that no process on this machine has, ours until it is given back. */
export async function borrowUserId(): Promise<number> {
  const busy = await busyUserIds();
  for (let uid = FIRST + Math.floor(Math.random() * 1024); uid <= LAST; uid++) {
    if (taken.has(uid) || busy.has(uid)) continue;
    taken.add(uid);
    return uid;
  }
  throw new NexError("sandbox_failed", `All user ids from ${FIRST} to ${LAST} are in use.`);
}

export function returnUserId(uid: number): void {
  taken.delete(uid);
}

/**
 * Kills every process of `uid` until none is left: a workload may have left its process group, but it cannot
 * leave its user.
 */
export async function killAllOf(uid: number): Promise<void> {
  for (let round = 0; round < 50; round++) {
    // oxlint-disable-next-line no-await-in-loop -- each round looks at what the one before left
    const pids = await processesOf(uid);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended between the look and the kill.
      }
    }
    // oxlint-disable-next-line no-await-in-loop -- the kernel needs a moment to take them away
    await new Promise((resolve) => setTimeout(resolve, round));
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
        return { pid: Number(name), uid: (await stat(`/proc/${name}`)).uid };
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((entry) => entry !== undefined);
}
