import { readFileSync } from "node:fs";
import { childrenOf } from "@nex/testing";

/** Ticks per second in which Linux reports CPU time to programs, on every architecture. */
const USER_HZ = 100;

/** Whether this system tells about processes what the functions below ask. */
export const hasProcessFigures: boolean = process.platform === "linux";

/** All living processes below `pid`, children before grandchildren. */
export function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

/** CPU time that these processes have used since they started, in seconds, to 10 ms. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Counted from the last bracket: the program's name stands inside and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / USER_HZ;
  }, 0);
}

/** Megabytes (10^6 bytes). */
export interface MemoryUse {
  /** Proportional set size: a page that n processes share counts one n-th in each. */
  readonly proportional: number;
  /** What ending the process would free: pages it shares with nobody. */
  readonly unique: number;
}

export function memoryUse(pid: number): MemoryUse {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  const megabytes = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup);
    if (found === null) throw new Error(`The kernel does not tell "${name}" of process ${pid}.`);
    return (Number(found[1]) * 1024) / 1e6;
  };
  return { proportional: megabytes("Pss"), unique: megabytes("Private_Clean") + megabytes("Private_Dirty") };
}
