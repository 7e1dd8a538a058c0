import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import { z } from "zod";

/** What `nex image build` leaves in one directory. */
export interface MachineImage {
  readonly directory: string;
  readonly rootfs: string;
  readonly initramfs: string;
  /** Uncompressed ELF: QEMU boots it directly, Firecracker takes nothing else. */
  readonly kernel: string;
  /** As the manifest has it; changes whenever anything in the image does. */
  readonly id: string;
  readonly architecture: string;
}

const BUILD = "Build one with `nex image build`.";

const manifestSchema = z.object({
  format: z.literal(1),
  architecture: z.string(),
  artifacts: z.record(z.string(), z.object({ sha256: z.string() })),
});

/** @throws NexError `sandbox_failed` saying what is missing */
export async function readMachineImage(directory: string): Promise<MachineImage> {
  const image = {
    directory,
    rootfs: join(directory, "rootfs.ext4"),
    initramfs: join(directory, "initramfs.cpio.gz"),
    kernel: join(directory, "vmlinux"),
  };
  try {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(directory, "manifest.json"), "utf8")));
    await Promise.all([image.rootfs, image.initramfs, image.kernel].map(async (path) => await access(path)));
    const id = ["rootfs.ext4", "initramfs.cpio.gz", "vmlinux"]
      .map((name) => manifest.artifacts[name]?.sha256)
      .join("-");
    return { ...image, id, architecture: manifest.architecture };
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const what = missing
      ? "There is no image of a machine"
      : "The image of a machine is not one that this release can use,";
    throw new NexError("sandbox_failed", `${what} in ${directory}. ${BUILD}`, { cause, data: { directory } });
  }
}
