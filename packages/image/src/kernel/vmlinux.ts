import { NexError } from "@nex/protocol";
import { decompress } from "./decompress.ts";

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** Offsets in the header of a bootable kernel for x86 (Documentation/arch/x86/boot.rst). */
const Header = {
  setupSectors: 0x1f1,
  magic: 0x202,
  version: 0x206,
  payloadOffset: 0x248,
  payloadLength: 0x24c,
} as const;

/**
 * The kernel as plain ELF, out of the compressed form in which distributions ship it. Firecracker takes nothing else,
 * and QEMU starts it a little sooner. @throws NexError `image_failed`
 */
export function extractVmlinux(image: Buffer): Buffer {
  if (image.subarray(0, 4).equals(ELF)) return image;
  const isBootable = image.length > 0x260 && image.toString("latin1", Header.magic, Header.magic + 4) === "HdrS";
  if (!isBootable || image.readUInt16LE(Header.version) < 0x0208) fail("it is not a bzImage");
  // A count of 0 stands for 4 in the oldest ones.
  const setupSectors = image[Header.setupSectors]! || 4;
  const from = (setupSectors + 1) * 512 + image.readUInt32LE(Header.payloadOffset);
  const payload = image.subarray(from, from + image.readUInt32LE(Header.payloadLength));
  const kernel = decompress(payload);
  if (!kernel.subarray(0, 4).equals(ELF)) fail("it is compressed in a way that is not known here");
  // Whatever compressed it, its size stands at the end.
  if (kernel.length !== payload.readUInt32LE(payload.length - 4)) fail("it is damaged");
  return kernel;
}

function fail(why: string): never {
  throw new NexError("image_failed", `No kernel could be taken out of the kernel package: ${why}.`);
}
