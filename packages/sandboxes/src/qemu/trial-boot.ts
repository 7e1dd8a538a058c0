import { setTimeout as sleep } from "node:timers/promises";
import type { VmSpec } from "../vm/vm-spec.ts";
import { Machine } from "./machine.ts";
import { borrowMachineUser } from "./machine-user.ts";
import { type Platform } from "./platform.ts";

/**
 * The kernel starts a program that ends at once, and has to give up: whoever has come to that has processor,
 * interrupts, clock, memory and user mode.
 */
const TRIAL_ARGUMENTS = ["rdinit=/bin/busybox", "loglevel=4"];
const GOAL = /Attempted to kill init/;

/** A kernel that runs on the processor itself is there in a tenth of it. ms */
const KVM_LIMIT_MS = 5000;
/** Emulated, in 2 to 4 s. */
const TCG_LIMIT_MS = 60_000;

const TRIAL_MEMORY_MIB = 192;

/** Why a machine of this platform does not boot here, or `undefined`. */
export async function tryToBoot(qemu: string, spec: VmSpec, platform: Platform): Promise<string | undefined> {
  const limit = platform.accelerator === "kvm" ? KVM_LIMIT_MS : TCG_LIMIT_MS;
  await using user = await borrowMachineUser(platform.accelerator);
  let last = "";
  let reached = false;
  const machine = await Machine.start({
    qemu,
    spec: { ...spec, memoryMib: TRIAL_MEMORY_MIB, bootArguments: [...spec.bootArguments, ...TRIAL_ARGUMENTS] },
    platform,
    directory: "/",
    uid: user.uid,
    groups: user.groups,
    onLine: (line) => {
      reached ||= GOAL.test(line);
      if (!/^\[\s*[\d.]+\]/.test(line) || last === "") last = line;
    },
  });
  const timer = new AbortController();
  try {
    const end = await Promise.race([machine.ended, sleep(limit, undefined, { signal: timer.signal })]);
    if (reached) return undefined;
    const said = last === "" ? "" : ` (it said: ${last})`;
    return end === undefined
      ? `the kernel was not up within ${limit / 1000} s${said}`
      : `it ended before the kernel was up${said}`;
  } finally {
    timer.abort();
    await machine.end(0);
  }
}
