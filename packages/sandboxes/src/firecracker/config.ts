import { sizeSchema } from "@nex/protocol";
import { z } from "zod";

/** How much of something may pass in a second, on average; bursts of a tenth of a second are let through. */
export interface Rate {
  /** May be written as `64MiB`. */
  readonly bytes_per_second?: number | string;
  /** Reads of a disk, frames of a network. */
  readonly operations_per_second?: number;
}

/** What an operator may say about Firecracker; `firecracker` in the node's config. */
export interface FirecrackerOptions {
  /** Path of the program. Default: `firecracker` on the PATH. */
  readonly binary?: string;
  /** Path of the jailer of the same release. Default: `jailer` on the PATH. */
  readonly jailer?: string;
  /** Where the jailer makes a root directory for each machine; a file system that allows devices. Default `/srv/jailer`. */
  readonly chroot_base?: string;
  /** Processor features shown to guests. Default: those of this machine. */
  readonly cpu_template?: "C3" | "T2" | "T2S" | "T2CL" | "T2A" | "V1N1";
  /** Start machines from a saved one. Default false. */
  readonly snapshots?: boolean;
  /** Default 256 MiB/s and 10,000 operations a second. */
  readonly disk_rate?: Rate;
  /** Of the link, each way. Default 128 MiB/s and 100,000 frames a second. */
  readonly network_rate?: Rate;
}

interface CompleteRate {
  readonly bytes_per_second: number;
  readonly operations_per_second: number;
}

/** {@link FirecrackerOptions}, complete. */
export interface FirecrackerConfig {
  readonly binary?: string | undefined;
  readonly jailer?: string | undefined;
  readonly chroot_base: string;
  readonly cpu_template?: "C3" | "T2" | "T2S" | "T2CL" | "T2A" | "V1N1" | undefined;
  readonly snapshots: boolean;
  readonly disk_rate: CompleteRate;
  readonly network_rate: CompleteRate;
}

/** A path of a socket holds 107 bytes, and the name of a machine in it needs the rest. */
const LONGEST_CHROOT_BASE = 40;

const path = z.string().startsWith("/", { error: "must be an absolute path" });

const rate = (bytes: number, operations: number) =>
  z
    .strictObject({
      bytes_per_second: sizeSchema.default(bytes),
      operations_per_second: z.int().positive().max(1e9).default(operations),
    })
    .prefault({});

export const firecrackerSchema: z.ZodType<FirecrackerConfig> = z
  .strictObject({
    binary: path.optional(),
    jailer: path.optional(),
    chroot_base: path
      .max(LONGEST_CHROOT_BASE, { error: `must be a path of at most ${LONGEST_CHROOT_BASE} characters` })
      .default("/srv/jailer"),
    cpu_template: z.enum(["C3", "T2", "T2S", "T2CL", "T2A", "V1N1"]).optional(),
    snapshots: z.boolean().default(false),
    disk_rate: rate(256 * 2 ** 20, 10_000),
    network_rate: rate(128 * 2 ** 20, 100_000),
  })
  .prefault({});
