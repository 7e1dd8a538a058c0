import { readdirSync, readFileSync } from "node:fs";

interface ProcessStat {
  readonly state: string;
  readonly parent: number;
}

/** The program's name stands in brackets and may hold anything, so fields are counted from the last one. */
function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state = "", parent = ""] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** True while the process runs; one that has ended but was not yet collected by its parent does not. Linux only. */
export function processAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.state !== "Z" && stat.state !== "X";
}

/** Ids of the living direct children of `pid`. Linux only. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((child) => Number.isInteger(child) && readStat(child)?.parent === pid && processAlive(child));
}

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly command: string;
}

/** All living processes of this machine. */
export function processes(): ProcessEntry[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && processAlive(pid))
    .flatMap((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
        const parent = Number(/^PPid:\t(\d+)/m.exec(status)?.[1]);
        return [{ pid, parent, uid, command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ") }];
      } catch {
        return [];
      }
    });
}
