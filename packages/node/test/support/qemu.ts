import { readFileSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildStaticProgram, processAlive, processes, REPOSITORY, temporaryDirectory, waitFor } from "@nex/testing";
import type { SandboxConfig, SandboxDriver } from "@nex/sandboxes";
import { createQemuDriver, type QemuTuning } from "@nex/sandboxes/testing";
import { sandboxConfig } from "@nex/testing/sandboxes";
import type { PlanOptions } from "./plan.ts";
import type { TestSystem } from "./system.ts";

/** Made by set-up. */
export const MACHINE_IMAGE: string = join(REPOSITORY, ".tools", "machine-image");

/** Which accelerator works, and saved states: kept between test runs, as a node keeps them between its starts. */
export const MACHINE_CACHE: string = join(REPOSITORY, ".tools", "cache", "machines");

/** Emulated machines take seconds for what others do in tenths. */
export const MACHINE_WAIT_MS = 90_000;

export function makeQemuDriver(options: Partial<SandboxConfig> = {}, tuning: QemuTuning = {}): SandboxDriver {
  const config = sandboxConfig({
    imageDirectory: MACHINE_IMAGE,
    cacheDirectory: MACHINE_CACHE,
    qemu: { saved_state: true },
    ...options,
  });
  return createQemuDriver(config, tuning);
}

const isPossible = process.platform === "linux" && process.arch === "x64";
const reason = isPossible ? await makeQemuDriver().unavailable() : "it needs Linux on x64";
// Where machines can run, whatever is missing is a fault of the set-up, and no reason to leave tests out.
if (isPossible && reason !== undefined) throw new Error(`qemu: ${reason} Run: node scripts/setup.js --tests`);

/** Why QEMU cannot be tested on this machine. */
export const noQemu: string | false = reason ?? false;

/** The QEMU whose machine has this directory. */
export function qemuOf(directory: string): number | undefined {
  return processes().find(({ pid, command }) => command.includes("qemu-system-") && workingDirectory(pid) === directory)
    ?.pid;
}

/** Ends a machine from outside, as want of memory on this machine would. */
export async function killMachine(system: TestSystem, id: string): Promise<void> {
  const { directory } = system.watch.find(id);
  const pid = await waitFor(() => qemuOf(directory), { message: "a running QEMU" });
  process.kill(pid, "SIGKILL");
  await waitFor(() => !processAlive(pid), { message: "the end of QEMU" });
}

/** Of a process, MiB. */
export function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

let probe: Promise<Buffer> | undefined;

/** The service of `qemu/fixtures/probe.c`, built once for a file of tests. */
export async function buildProbe(): Promise<Buffer> {
  probe ??= (async () => {
    await using directory = await temporaryDirectory("nex-probe-");
    const path = join(directory.path, "probe");
    await buildStaticProgram(join(import.meta.dirname, "../sandboxes/qemu/fixtures/probe.c"), path);
    return await readFile(path);
  })();
  return await probe;
}

/** How a deploy tells the probe what to do. */
export function probing(name: string, ...argv: readonly string[]): PlanOptions {
  return { name, kind: "elf", triggers: [], argv };
}
