import { processAlive, processes, waitFor } from "@nex/testing";
import { completeNodeOptions } from "../../src/config/node-config.ts";
import type { SandboxConfig, SandboxDriver } from "@nex/sandboxes";
import { createFirecrackerDriver, machineName } from "@nex/sandboxes/testing";
import { sandboxConfig } from "@nex/testing/sandboxes";
import { MACHINE_IMAGE } from "./qemu.ts";
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
