import type { SandboxLimits } from "../sandbox.ts";

/**
 * What agent, runner and bubblewrap need beside the workload, bytes. Measured, as the kernel charges a group: 31 MB
 * at rest and 45 MB after a load; while a runner is replaced with grace there are two of them, and large messages
 * leave garbage of some 20 MB.
 */
const OWN_MEMORY = 96 * 2 ** 20;

/** Threads and processes that are ours, of which the kernel counts each: 18 measured after a load, eight more with a second runner. */
const OWN_PROCESSES = 40;

/** Limits of a whole sandbox from those of its workload. */
export function withAllowance({ memoryBytes, processes, cpus }: SandboxLimits): SandboxLimits {
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes: memoryBytes + OWN_MEMORY }),
    ...(processes === undefined ? {} : { processes: processes + OWN_PROCESSES }),
    ...(cpus === undefined ? {} : { cpus }),
  };
}
