import { processAlive, waitFor } from "@nex/testing";
import { completeNodeOptions } from "../../src/config/node-config.ts";
import { createFirecrackerDriver } from "../../src/sandboxes/firecracker/firecracker-sandbox.ts";
import { machineName } from "../../src/sandboxes/firecracker/machine-name.ts";
import type { SandboxConfig, SandboxDriver } from "../../src/sandboxes/sandbox.ts";
import { sandboxConfig } from "./drivers.ts";
import { MACHINE_IMAGE } from "./qemu.ts";
import { processes } from "./sandbox-watch.ts";
import type { TestSystem } from "./system.ts";

export function makeFirecrackerDriver(options: Partial<SandboxConfig> = {}): SandboxDriver {
  const { firecracker } = completeNodeOptions({});
  return createFirecrackerDriver(sandboxConfig({ imageDirectory: MACHINE_IMAGE, firecracker, ...options }));
}

/** Why Firecracker cannot be tested on this machine: most have no KVM, and nobody can install that. */
export const noFirecracker: string | false = (await makeFirecrackerDriver().unavailable()) ?? false;

/** Ends a machine from outside. */
export async function killFirecracker(_system: TestSystem, id: string): Promise<void> {
  const isIts = ({ command }: { readonly command: string }): boolean =>
    command.startsWith("firecracker") && command.includes(machineName(id));
  const { pid } = await waitFor(() => processes().find(isIts), { message: "a running Firecracker" });
  process.kill(pid, "SIGKILL");
  await waitFor(() => !processAlive(pid), { message: "the end of Firecracker" });
}
