import type { SandboxLimits } from "../sandbox.ts";
import type { MachineImage } from "./machine-image.ts";

/** One virtual machine, whatever runs it. */
export interface VmSpec {
  readonly image: MachineImage;
  readonly memoryMib: number;
  readonly vcpus: number;
  /** For the kernel, besides what its runner needs. */
  readonly bootArguments: readonly string[];
}

/** Kernel, OpenRC, agent and a waiting runner need this much besides the workload, MiB. */
const SYSTEM_MEMORY_MIB = 192;

/**
 * What the kernel is told in every machine: the console that the node reads; a panic or a reboot ends the
 * machine at once.
 */
const BOOT_ARGUMENTS = ["console=ttyS0", "root=/dev/vda", "ro", "reboot=k", "panic=-1", "quiet"];

/** The machine for a workload within these limits. */
export function vmSpec(image: MachineImage, limits: SandboxLimits): VmSpec {
  const workload = Math.ceil((limits.memoryBytes ?? 512 * 2 ** 20) / 2 ** 20);
  return {
    image,
    memoryMib: SYSTEM_MEMORY_MIB + workload,
    vcpus: Math.max(1, Math.ceil(limits.cpus ?? 1)),
    bootArguments: BOOT_ARGUMENTS,
  };
}
