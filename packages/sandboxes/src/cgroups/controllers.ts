import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SandboxLimit, SandboxLimits } from "../sandbox.ts";
import type { Controller } from "./hierarchies.ts";

/** Over which processor time is counted, µs: the kernel's own default. */
const CPU_PERIOD_US = 100_000;

/** The kernel takes no smaller share, µs. */
const LEAST_QUOTA_US = 1000;

export const LIMIT_OF: Readonly<Record<Controller, SandboxLimit>> = {
  memory: "memoryBytes",
  pids: "processes",
  cpu: "cpus",
};

/** Writes what `limits` says about `controller` into a group. Throws what the kernel says. */
export function writeLimits(version: 1 | 2, controller: Controller, group: string, limits: SandboxLimits): void {
  const value = limits[LIMIT_OF[controller]];
  if (value === undefined) return;
  if (controller === "pids") write(group, "pids.max", value);
  else if (controller === "cpu") writeCpu(version, group, value);
  else writeMemory(version, group, value);
}

/** Processes that the kernel has ended in a group for want of memory. */
export function readOomKills(version: 1 | 2, group: string): number {
  const file = version === 2 ? "memory.events" : "memory.oom_control";
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(group, file), "utf8"))?.[1] ?? 0);
}

function writeCpu(version: 1 | 2, group: string, cpus: number): void {
  const quota = Math.max(Math.round(cpus * CPU_PERIOD_US), LEAST_QUOTA_US);
  if (version === 2) return write(group, "cpu.max", `${quota} ${CPU_PERIOD_US}`);
  write(group, "cpu.cfs_period_us", CPU_PERIOD_US);
  write(group, "cpu.cfs_quota_us", quota);
}

/** What is swapped out counts as well. */
function writeMemory(version: 1 | 2, group: string, bytes: number): void {
  if (version === 2) {
    write(group, "memory.max", bytes);
    if (has(group, "memory.swap.max")) write(group, "memory.swap.max", 0);
    return;
  }
  // Memory and swap together may at no time be less than memory alone: a limit that is lowered comes down first.
  write(group, "memory.limit_in_bytes", bytes);
  if (has(group, "memory.memsw.limit_in_bytes")) write(group, "memory.memsw.limit_in_bytes", bytes);
}

function has(group: string, file: string): boolean {
  return existsSync(join(group, file));
}

function write(group: string, file: string, value: number | string): void {
  writeFileSync(join(group, file), String(value));
}
