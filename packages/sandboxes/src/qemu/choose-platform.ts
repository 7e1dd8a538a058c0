import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { VmSpec } from "../vm/vm-spec.ts";
import type { Accelerator, Platform } from "./platform.ts";
import { MACHINE_TYPES, type QemuPrograms } from "./qemu-programs.ts";
import { tryToBoot } from "./trial-boot.ts";
import { measureTscKhz } from "./tsc-rate.ts";

export interface PlatformSearch {
  readonly programs: QemuPrograms;
  readonly spec: VmSpec;
  readonly cacheDirectory: string;
  /** Quickest first. */
  readonly accelerators: readonly Accelerator[];
}

export interface ChosenPlatform {
  /** Absent if the image boots on none. */
  readonly platform?: Platform;
  /** Why those before it were not taken. */
  readonly passedOver: readonly string[];
}

const FILE = "qemu-platforms.json";

/** Choices remembered; older ones go. */
const MOST_REMEMBERED = 20;

const choiceSchema = z.object({
  accelerator: z.enum(["kvm", "tcg"]),
  machine: z.enum(MACHINE_TYPES),
  passedOver: z.array(z.string()),
});
const rememberedSchema = z.record(z.string(), choiceSchema);
type Choice = z.infer<typeof choiceSchema>;

/**
 * The best of accelerators and machine types on which this image really boots here. That a device is there says
 * little: a /dev/kvm may exist and not carry a guest. So each is tried with a short boot, and what came out is
 * remembered until QEMU, the host's kernel, its KVM or the image change.
 */
export async function choosePlatform(search: PlatformSearch): Promise<ChosenPlatform> {
  const { cacheDirectory, accelerators } = search;
  await mkdir(cacheDirectory, { recursive: true });
  const tscKhz = accelerators.includes("tcg") ? await measureTscKhz(cacheDirectory) : undefined;
  const key = await keyOf(search, tscKhz !== undefined);
  const remembered = await readRemembered(cacheDirectory);
  const known = remembered[key];
  const choice = known ?? (await tryAll(search, tscKhz));
  if (!("accelerator" in choice)) return choice;
  if (known === undefined) await remember(cacheDirectory, { ...remembered, [key]: choice });
  const { accelerator, machine, passedOver } = choice;
  return { platform: { accelerator, machine, tscKhz }, passedOver };
}

async function tryAll(
  { programs, spec, accelerators }: PlatformSearch,
  tscKhz: number | undefined,
): Promise<Choice | ChosenPlatform> {
  const passedOver: string[] = [];
  for (const accelerator of accelerators) {
    for (const machine of programs.machines) {
      const name = `${accelerator === "kvm" ? "KVM" : "emulation"} with the machine "${machine}"`;
      const platform = { accelerator, machine, tscKhz };
      const why =
        accelerator === "tcg" && machine === "microvm" && tscKhz === undefined
          ? "the rate of the processor's time stamp counter could not be measured"
          : await tryToBoot(programs.qemu, spec, platform);
      if (why === undefined) return { accelerator, machine, passedOver };
      passedOver.push(`${name}: ${why}`);
    }
  }
  return { passedOver };
}

async function keyOf({ programs, spec, accelerators }: PlatformSearch, isRateKnown: boolean): Promise<string> {
  const kvm = await stat("/dev/kvm").catch(() => undefined);
  const { qemu, version, machines } = programs;
  const host = [release(), kvm?.mode, kvm?.gid, isRateKnown];
  const parts = [qemu, version, machines, spec.image.id, accelerators, host];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

async function readRemembered(directory: string): Promise<Record<string, Choice>> {
  try {
    return rememberedSchema.parse(JSON.parse(await readFile(join(directory, FILE), "utf8")));
  } catch {
    // There is none, or another release wrote it.
    return {};
  }
}

async function remember(directory: string, choices: Record<string, Choice>): Promise<void> {
  const path = join(directory, FILE);
  const newest = Object.fromEntries(Object.entries(choices).slice(-MOST_REMEMBERED));
  await writeFile(`${path}.${process.pid}`, `${JSON.stringify(newest, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.${process.pid}`, path);
}
