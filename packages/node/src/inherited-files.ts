import { readdirSync, readFileSync } from "node:fs";
import type { StdioNull } from "node:child_process";

/** Flag of an open file that is closed when its process becomes another program, as in /proc/PID/fdinfo. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * What whoever started this process has left open in it: a child would inherit that too, and a sandbox is to have
 * nothing of this machine but what it was given. All that Node opens itself is closed by then. Looked at once, before
 * anything else could use these numbers.
 */
const inherited: readonly number[] = findInherited();

/** `stdio` for `spawn` with nothing in place of each file that the child would otherwise inherit. */
export function withoutInherited<S>(stdio: readonly S[]): (S | StdioNull)[] {
  const beyond = inherited.filter((descriptor) => descriptor >= stdio.length);
  const all: (S | StdioNull)[] = [...stdio];
  while (all.length <= Math.max(-1, ...beyond)) all.push("ignore");
  return all;
}

function findInherited(): number[] {
  try {
    return readdirSync("/proc/self/fdinfo").map(Number).filter(isKept);
  } catch {
    // Not Linux.
    return [];
  }
}

function isKept(descriptor: number): boolean {
  if (descriptor <= 2) return false;
  try {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The directory that was just read.
    return false;
  }
}
