import type { MachineType } from "./qemu-programs.ts";

/** `kvm`: the processor itself runs the guest. `tcg`: QEMU translates what it runs, some 20 to 30 times slower. */
export type Accelerator = "kvm" | "tcg";

/** What a virtual machine runs on here. */
export interface Platform {
  readonly accelerator: Accelerator;
  readonly machine: MachineType;
  /** Needed by an emulated `microvm`, whose kernel could not find it out. */
  readonly tscKhz: number | undefined;
}

/**
 * How much longer than on the bare machine things take inside, measured: JavaScript 17 to 31 times, signatures more.
 */
export function patienceOf(accelerator: Accelerator): number {
  return accelerator === "kvm" ? 1 : 30;
}
