import { NexError } from "@nex/protocol";
import { createBubblewrapDriver } from "./bubblewrap/bubblewrap-driver.ts";
import { findCgroups } from "./cgroups/cgroups.ts";
import { createFirecrackerDriver } from "./firecracker/firecracker-sandbox.ts";
import { createProcessDriver } from "./process/process-sandbox.ts";
import { createQemuDriver } from "./qemu/qemu-driver.ts";
import type { SandboxConfig, SandboxDriver, SandboxName } from "./sandbox.ts";

interface RegisteredSandbox {
  readonly name: SandboxName;
  /** Whether `auto` may take it. */
  readonly isAutomatic: boolean;
  readonly create: (config: SandboxConfig) => SandboxDriver;
}

/** Strongest first: `auto` takes the first that works here. */
export const SANDBOXES: readonly RegisteredSandbox[] = [
  { name: "firecracker", isAutomatic: true, create: createFirecrackerDriver },
  // Never by itself: it takes memory by the hundred megabytes, and without KVM it is slow.
  { name: "qemu", isAutomatic: false, create: createQemuDriver },
  { name: "bubblewrap", isAutomatic: true, create: createBubblewrapDriver },
  { name: "process", isAutomatic: true, create: createProcessDriver },
];

export interface ChosenSandbox {
  readonly driver: SandboxDriver;
  /** Why each stronger one could not be used. */
  readonly passedOver: readonly string[];
}

/** @throws NexError `sandbox_failed` with the reason of each sandbox that was tried */
export async function chooseSandbox(wanted: SandboxName | "auto", config: SandboxConfig): Promise<ChosenSandbox> {
  const passedOver: string[] = [];
  // Of nodes that were killed, whatever their sandbox was.
  findCgroups().removeLeftovers();
  for (const { name, isAutomatic, create } of SANDBOXES) {
    if (wanted === "auto" ? !isAutomatic : wanted !== name) continue;
    const driver = create(config);
    const reason = await driver.unavailable();
    if (reason === undefined) return { driver, passedOver };
    passedOver.push(`${name}: ${reason.replace(/\.$/, "")}`);
  }
  const known = SANDBOXES.map(({ name }) => name).join(", ");
  if (passedOver.length === 0) {
    throw new NexError("sandbox_failed", `This release has no "${wanted}" sandbox; it has: ${known}.`, {
      data: { wanted },
    });
  }
  throw new NexError("sandbox_failed", `No sandbox can be used on this machine: ${passedOver.join("; ")}.`, {
    data: { wanted },
  });
}
