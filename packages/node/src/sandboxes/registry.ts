import { NexError } from "@nex/protocol";
import { processDriver } from "./process/process-sandbox.ts";
import type { SandboxDriver, SandboxName } from "./sandbox.ts";

/** Strongest first: `auto` takes the first that works here. */
const SANDBOX_DRIVERS: readonly SandboxDriver[] = [processDriver];

/** @throws NexError `sandbox_failed` with the reason of each sandbox that was tried */
export async function chooseSandbox(wanted: SandboxName | "auto"): Promise<SandboxDriver> {
  const reasons: string[] = [];
  for (const driver of SANDBOX_DRIVERS) {
    if (wanted !== "auto" && wanted !== driver.name) continue;
    const reason = await driver.unavailable();
    if (reason === undefined) return driver;
    reasons.push(`${driver.name}: ${reason}`);
  }
  const known = SANDBOX_DRIVERS.map((driver) => driver.name).join(", ");
  if (reasons.length === 0) {
    throw new NexError("sandbox_failed", `This release has no "${wanted}" sandbox; it has: ${known}.`, {
      data: { wanted },
    });
  }
  throw new NexError("sandbox_failed", `No sandbox can be used on this machine: ${reasons.join("; ")}.`, {
    data: { wanted },
  });
}
