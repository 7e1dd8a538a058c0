import { availableParallelism } from "node:os";
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

const DEFAULT_WORKLOAD_BYTES = 512 * 2 ** 20;

/** Where nothing limits the processors: one for the workload, one for the agent and for what V8 does beside its program. */
const DEFAULT_VCPUS = Math.min(2, availableParallelism());

/**
 * What the kernel is told in every machine: the console that the node reads; a panic or a reboot ends the
 * machine at once.
 */
const BOOT_ARGUMENTS = ["console=ttyS0", "root=/dev/vda", "ro", "reboot=k", "panic=-1", "quiet"];

/** Files are kept in memory, so that they have no more room than this share of it. */
const DISK_SHARE = 0.5;

/**
 * The machine for a workload within these limits.
 * @param diskBytes room for the workload's files
 * @param more for the kernel, besides what every machine's is told
 */
export function vmSpec(
  image: MachineImage,
  limits: SandboxLimits,
  diskBytes: number,
  more: readonly string[] = [],
): VmSpec {
  const memoryMib = memoryMibFor(limits.memoryBytes ?? DEFAULT_WORKLOAD_BYTES);
  const diskMib = Math.max(1, Math.floor(Math.min(diskBytes / 2 ** 20, memoryMib * DISK_SHARE)));
  return {
    image,
    memoryMib,
    vcpus: Math.ceil(limits.cpus ?? DEFAULT_VCPUS),
    bootArguments: [...BOOT_ARGUMENTS, `nex.disk=${diskMib}m`, ...more],
  };
}

/** Memory of the machine whose workload may have this much. */
export function memoryMibFor(workloadBytes: number): number {
  return SYSTEM_MEMORY_MIB + Math.ceil(workloadBytes / 2 ** 20);
}
