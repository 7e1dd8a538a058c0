import { openSync, readdirSync, readFileSync } from "node:fs";
import { devNull } from "node:os";

/** Flag of an open file that is closed when its process becomes another program, as in /proc/PID/fdinfo. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * What the parent of this process has left open in it: a child would inherit that too, and a sandbox gets nothing of
 * this machine but what it was given. Node marks the first 16 descriptors and those that follow without a gap
 * close-on-exec at its start; the others are found here. Looked at once, before anything else could use these numbers.
 */
const inherited: readonly number[] = findInherited();

let nothing: number | undefined;

/**
 * `stdio` for `spawn` with /dev/null in place of each file that the child would otherwise inherit. `"ignore"` would
 * not do: from descriptor 3 on it leaves the child's as it is.
 */
export function withoutInherited<S>(stdio: readonly S[]): (S | number | "ignore")[] {
  const all: (S | number | "ignore")[] = [...stdio];
  for (const descriptor of inherited) {
    if (descriptor < stdio.length) continue;
    while (all.length < descriptor) all.push("ignore");
    all[descriptor] = nothing ??= openSync(devNull, "r");
  }
  return all;
}

/** In ascending order. */
function findInherited(): number[] {
  try {
    return readdirSync("/proc/self/fdinfo")
      .map(Number)
      .filter(isKept)
      .sort((a, b) => a - b);
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
