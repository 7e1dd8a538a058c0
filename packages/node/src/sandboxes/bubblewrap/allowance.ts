import type { SandboxLimits } from "../sandbox.ts";

/**
 * What agent, runner and bubblewrap need beside the workload, bytes. Agent and runner were measured with a
 * proportional set size of 42 MB at rest and 63 MB after a load, and while a runner is replaced with grace there
 * are two of them.
 */
const OWN_MEMORY = 96 * 2 ** 20;

/** Threads and processes that are ours, of which the kernel counts each: 21 measured, seven more with a second runner. */
const OWN_PROCESSES = 40;

/** Limits of a whole sandbox from those of its workload. */
export function withAllowance({ memoryBytes, processes, cpus }: SandboxLimits): SandboxLimits {
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes: memoryBytes + OWN_MEMORY }),
    ...(processes === undefined ? {} : { processes: processes + OWN_PROCESSES }),
    ...(cpus === undefined ? {} : { cpus }),
  };
}
