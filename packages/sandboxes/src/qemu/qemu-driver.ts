import { stat } from "node:fs/promises";
import { toNexError } from "@nex/protocol";
import type { SandboxConfig, SandboxDriver, SandboxOrder } from "../sandbox.ts";
import { SETPRIV } from "../setpriv.ts";
import { readMachineImage, type MachineImage } from "../vm/machine-image.ts";
import { vmSpec, type VmSpec } from "../vm/vm-spec.ts";
import { choosePlatform } from "./choose-platform.ts";
import { type Accelerator, patienceOf, type Platform } from "./platform.ts";
import { findQemuPrograms, type MachineType, type QemuPrograms } from "./qemu-programs.ts";
import { QemuSandbox } from "./qemu-sandbox.ts";
import { SavedStates } from "./saved-states.ts";

/** For tests and measurements; a node leaves all of it alone. */
export interface QemuTuning {
  /** Default: KVM where it works, else emulation. */
  readonly accelerators?: readonly Accelerator[];
  /** Default: `microvm`, else `pc`. */
  readonly machines?: readonly MachineType[];
  /** For the kernel, besides its own. */
  readonly bootArguments?: readonly string[];
  /** False opens the host's network to the guest, to show that the tests of the restriction can fail. Default true. */
  readonly isRestricted?: boolean;
  /** For QEMU, besides its own. */
  readonly extra?: readonly string[];
}

interface Found {
  readonly programs: QemuPrograms;
  readonly spec: VmSpec;
  readonly platform: Platform;
}

/**
 * A virtual machine for each workload, with the processor's help or emulated. A boundary: what is inside has a kernel
 * of its own, and the only ways out are the devices of QEMU, which runs as a user without rights.
 */
export function createQemuDriver(config: SandboxConfig, tuning: QemuTuning = {}): SandboxDriver {
  let found: Found | undefined;
  let states: SavedStates | undefined;
  return {
    name: "qemu",
    isBoundary: true,
    network: "none",
    limits: new Set(["memoryBytes"]),
    /** Known once `unavailable` has looked. */
    get patience() {
      return patienceOf(found?.platform.accelerator ?? "tcg");
    },
    async unavailable() {
      try {
        const looked = await look(config, tuning);
        if (typeof looked === "string") return looked;
        found = looked;
        states = config.qemu.saved_state ? savedStates(config, looked) : undefined;
        return undefined;
      } catch (error) {
        return toNexError(error).message;
      }
    },
    start: async (order: SandboxOrder) => {
      const { programs, spec, platform } = found!;
      const { isRestricted = true, extra = [] } = tuning;
      const kind = { qemu: programs.qemu, socat: programs.socat, spec, platform, isRestricted, extra };
      return await QemuSandbox.start(order, { kind, patience: patienceOf(platform.accelerator), states });
    },
    close: async () => await states?.close(),
  };
}

/** @returns what there is, or what is missing */
async function look(config: SandboxConfig, tuning: QemuTuning): Promise<Found | string> {
  if (process.platform !== "linux" || process.arch !== "x64") return "it needs Linux on x64";
  if (SETPRIV === undefined)
    return "`setpriv` (package util-linux) is missing, which ties a machine's life to the node's";
  const found = await findQemuPrograms();
  const programs = tuning.machines === undefined ? found : { ...found, machines: tuning.machines };
  const image = await readMachineImage(config.imageDirectory);
  const closed = await unreadable(image);
  if (closed !== undefined) return `${closed} can be read by its owner only, and machines run as users of their own`;
  const spec = vmSpec(image, config.limits, config.diskBytes, tuning.bootArguments);
  const { cacheDirectory } = config;
  const { accelerators = ["kvm", "tcg"] } = tuning;
  const { platform, passedOver } = await choosePlatform({ programs, spec, cacheDirectory, accelerators });
  if (platform === undefined) return `the image boots on nothing here: ${passedOver.join("; ")}`;
  if (platform.accelerator === "tcg")
    config.onWarning(
      `Virtual machines are emulated here, some 20 to 30 times slower than with KVM: ${passedOver.join("; ")}.`,
    );
  return { programs, spec, platform };
}

/** A file is opened once more by QEMU's own user, by its descriptor: no directory counts then, but the file does. */
async function unreadable({ kernel, initramfs, rootfs }: MachineImage): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const path of [kernel, initramfs, rootfs]) {
    if (((await stat(path)).mode & 0o004) === 0) return path;
  }
  return undefined;
}

function savedStates({ cacheDirectory, onWarning }: SandboxConfig, { programs, spec, platform }: Found): SavedStates {
  const { qemu, socat, version } = programs;
  return new SavedStates({ kind: { qemu, socat, version, spec, platform }, cacheDirectory, onWarning });
}
