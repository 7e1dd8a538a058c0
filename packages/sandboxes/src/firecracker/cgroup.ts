import { existsSync, readFileSync } from "node:fs";
import { readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import type { VmSpec } from "../vm/vm-spec.ts";

/** All machines' groups are in one of this name. */
export const PARENT_CGROUP = "nex";

/** What Firecracker itself needs besides the guest's memory, with the page tables of both, MiB. */
const OVERHEAD_MIB = 96;

/** Its threads besides one for each virtual processor; and some to spare. */
const THREADS = 16;

/** Within which processor time is counted, µs. */
const PERIOD_US = 100_000;

/** Where this machine's control groups are, by controller. */
export interface Cgroups {
  readonly version: 1 | 2;
  readonly controllers: Readonly<Record<"cpu" | "memory" | "pids", string>>;
}

/** `undefined` where not all three controllers are there. */
export function findCgroups(mounts: string = readMounts()): Cgroups | undefined {
  const groups = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup" || type === "cgroup2")
    .map(([, directory = "", type, options = ""]) => ({ directory, type, options: options.split(",") }));
  const unified = groups.find(({ type }) => type === "cgroup2")?.directory;
  if (unified !== undefined && hasControllers(unified)) {
    return { version: 2, controllers: { cpu: unified, memory: unified, pids: unified } };
  }
  const of = (controller: string): string | undefined =>
    groups.find(({ type, options }) => type === "cgroup" && options.includes(controller))?.directory;
  const [cpu, memory, pids] = [of("cpu"), of("memory"), of("pids")];
  if (cpu === undefined || memory === undefined || pids === undefined) return undefined;
  return { version: 1, controllers: { cpu, memory, pids } };
}

/** What the jailer writes into a machine's groups, as `file=value`. */
export function cgroupSettings({ version }: Cgroups, spec: VmSpec, cpus: number | undefined): string[] {
  const memory = (spec.memoryMib + OVERHEAD_MIB) * 2 ** 20;
  const pids = `pids.max=${spec.vcpus + THREADS}`;
  const settings = version === 2 ? [`memory.max=${memory}`, "memory.swap.max=0"] : [`memory.limit_in_bytes=${memory}`];
  return [
    ...settings,
    pids,
    ...(cpus === undefined ? [] : cpuFiles(version, cpus).map(([file, value]) => `${file}=${value}`)),
  ];
}

/** Lowers a running machine's share of the processors. @throws NexError `sandbox_failed` */
export async function narrowCpus(cgroups: Cgroups, name: string, cpus: number): Promise<void> {
  try {
    for (const [file, value] of cpuFiles(cgroups.version, cpus)) {
      await writeFile(join(cgroups.controllers.cpu, PARENT_CGROUP, name, file), value);
    }
  } catch (cause) {
    throw new NexError(
      "sandbox_failed",
      `The machine could not be held to ${cpus} processors: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** Takes a machine's groups away. Its processes must have ended. */
export async function removeCgroups(cgroups: Cgroups, name: string): Promise<void> {
  for (const directory of new Set(Object.values(cgroups.controllers))) {
    await removeGroup(join(directory, PARENT_CGROUP, name));
    // The last one takes the parent with it.
    await rmdir(join(directory, PARENT_CGROUP)).catch(() => undefined);
  }
}

/** Names of the machines that have groups. */
export async function listCgroups(cgroups: Cgroups): Promise<string[]> {
  const names = await Promise.all(
    Object.values(cgroups.controllers).map(
      async (directory) => await readdir(join(directory, PARENT_CGROUP)).catch((): string[] => []),
    ),
  );
  return [...new Set(names.flat())];
}

function cpuFiles(version: 1 | 2, cpus: number): [file: string, value: string][] {
  const quota = Math.max(1000, Math.round(cpus * PERIOD_US));
  return version === 2
    ? [["cpu.max", `${quota} ${PERIOD_US}`]]
    : [
        ["cpu.cfs_period_us", String(PERIOD_US)],
        ["cpu.cfs_quota_us", String(quota)],
      ];
}

/** The kernel lets go of a group a moment after its last process. */
async function removeGroup(path: string): Promise<void> {
  for (let round = 0; existsSync(path) && round < 100; round++) {
    if (round > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(round * 2, 50)));
    await rmdir(path).catch(() => undefined);
  }
}

function hasControllers(unified: string): boolean {
  try {
    const there = readFileSync(join(unified, "cgroup.controllers"), "utf8").trim().split(" ");
    return ["cpu", "memory", "pids"].every((controller) => there.includes(controller));
  } catch {
    return false;
  }
}

function readMounts(): string {
  try {
    return readFileSync("/proc/mounts", "utf8");
  } catch {
    return "";
  }
}
