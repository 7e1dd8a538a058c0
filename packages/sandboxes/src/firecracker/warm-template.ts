import { rmSync } from "node:fs";
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import type { VmSpec } from "../vm/vm-spec.ts";
import {
  configureMachine,
  createSnapshot,
  flushMetrics,
  pauseMachine,
  setMetrics,
  startMachine,
} from "./api/requests.ts";
import type { FirecrackerConfig } from "./config.ts";
import { bootFiles, JailPath, jailsDirectory } from "./jail.ts";
import { Machine, type MachineHost } from "./machine.ts";
import { machineName } from "./machine-name.ts";

/** Between power on and the agent asking for its metadata, ms. */
const BOOT_LIMIT_MS = 30_000;

const LOOK_EVERY_MS = 50;

/** Where in a jail the saved state and the saved memory are, on this computer. */
export type SavedMachine = Readonly<Record<typeof JailPath.state | typeof JailPath.memory, string>>;

/**
 * Boots a machine without metadata, waits until its agent asks for some, and saves it then. The files go when this
 * process ends, and those of one that was killed with its other remains.
 * @param number tells the templates of one process apart
 * @throws NexError `sandbox_failed`
 */
export async function saveWarmMachine(
  host: MachineHost,
  spec: VmSpec,
  config: FirecrackerConfig,
  number: number,
): Promise<SavedMachine> {
  const machine = await Machine.launch(host, {
    id: `template${number}`,
    spec,
    cpus: undefined,
    files: bootFiles(spec.image),
    onConnection: (socket) => socket.destroy(),
    onOutput: () => undefined,
  });
  try {
    await makeMetricsFile(machine);
    await machine.api.send(setMetrics, ...configureMachine(spec, config), startMachine);
    await whenAgentAsks(machine);
    await machine.api.send(pauseMachine, createSnapshot);
    await machine.end(0);
    return await keep(machine, join(jailsDirectory(host), machineName(`saved${number}`)));
  } finally {
    await machine.destroy(0);
  }
}

/** Firecracker opens it, and does not make it. */
async function makeMetricsFile({ jail }: Machine): Promise<void> {
  const path = join(jail.root, JailPath.metrics);
  await writeFile(path, "", { flag: "wx", mode: 0o600 });
  await chown(path, jail.uid, jail.uid);
}

/** Nothing tells when a guest asks for metadata, but the connections of those who do are counted. */
async function whenAgentAsks(machine: Machine): Promise<void> {
  const limit = AbortSignal.timeout(BOOT_LIMIT_MS);
  let hasEnded = false;
  void machine.ended.then(() => (hasEnded = true));
  for (;;) {
    await machine.api.send(flushMetrics);
    const lines = (await readFile(join(machine.jail.root, JailPath.metrics), "utf8")).split("\n").filter(Boolean);
    if (lines.some((line) => metadataConnections(line) > 0)) return;
    if (limit.aborted || hasEnded) {
      throw new NexError("sandbox_failed", "A machine to save did not come so far that its agent asked for metadata.");
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function metadataConnections(line: string): number {
  try {
    const { mmds } = JSON.parse(line) as { readonly mmds?: { readonly connections_created?: number } };
    return mmds?.connections_created ?? 0;
  } catch {
    // A line that is still being written.
    return 0;
  }
}

/** Takes the files out of the jail; from now on nobody writes to them. */
async function keep({ jail }: Machine, directory: string): Promise<SavedMachine> {
  const kept = { [JailPath.state]: join(directory, "state"), [JailPath.memory]: join(directory, "memory") };
  await mkdir(directory, { mode: 0o700 });
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  try {
    for (const [path, target] of Object.entries(kept)) {
      await rename(join(jail.root, path), target);
      await chown(target, 0, 0);
      await chmod(target, 0o444);
    }
    return kept;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
