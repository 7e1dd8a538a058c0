import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { listCgroups, PARENT_CGROUP, removeCgroups } from "./cgroup.ts";
import { jailsDirectory, removeJail } from "./jail.ts";
import type { MachineHost } from "./machine.ts";
import { isLeftover } from "./machine-name.ts";
import { NAMESPACES, removeNetwork } from "./network-namespace.ts";

/**
 * Takes away what nodes that were killed have left behind; what belongs to a living one is not touched. Their
 * machines have ended with them, killed by the kernel.
 * @returns names of the machines whose remains were found
 */
export async function sweepLeftovers(host: MachineHost): Promise<string[]> {
  const jails = jailsDirectory(host);
  const [networks, groups, directories] = await Promise.all([
    readdir(NAMESPACES).then(leftovers, () => []),
    listCgroups(host.cgroups).then(leftovers),
    readdir(jails).then(leftovers, () => []),
  ]);
  // Another node may be doing the same: whatever is gone already is well.
  for (const name of networks) await removeNetwork(name).catch(() => undefined);
  for (const name of groups) {
    await killGroup(join(host.cgroups.controllers.pids, PARENT_CGROUP, name));
    await removeCgroups(host.cgroups, name);
  }
  for (const name of directories) await removeJail({ directory: join(jails, name) }).catch(() => undefined);
  return [...new Set([...networks, ...groups, ...directories])];
}

function leftovers(names: readonly string[]): string[] {
  return names.filter(isLeftover);
}

async function killGroup(path: string): Promise<void> {
  const pids = await readFile(join(path, "cgroup.procs"), "utf8").catch(() => "");
  for (const pid of pids.split("\n")) {
    try {
      if (pid !== "") process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended in between.
    }
  }
}
