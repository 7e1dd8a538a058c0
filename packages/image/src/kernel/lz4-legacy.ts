import { NexError } from "@nex/protocol";

/** `0x184C2102`, little endian: the form in which Linux compresses its kernels with LZ4. */
export const LZ4_LEGACY_MAGIC: Buffer = Buffer.from([0x02, 0x21, 0x4c, 0x18]);

/** No legacy block holds more than this many bytes. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** Unpacks an LZ4 stream of the legacy form: blocks, each after its length. @throws NexError `image_failed` */
export function decompressLz4Legacy(data: Buffer): Buffer {
  const blocks: Buffer[] = [];
  let at = LZ4_LEGACY_MAGIC.length;
  while (at + 4 <= data.length) {
    const length = data.readUInt32LE(at);
    at += 4;
    // The kernel's build puts the unpacked size behind the last block, where only a length could stand.
    if (length === 0 || at + length > data.length) break;
    blocks.push(decompressBlock(data.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(blocks);
}

function decompressBlock(block: Buffer): Buffer {
  const output = Buffer.allocUnsafe(BLOCK_BYTES);
  let read = 0;
  let written = 0;
  const extended = (first: number): number => {
    let length = first;
    if (first !== 15) return length;
    for (let more = 255; more === 255; length += more) more = block[read++] ?? fail();
    return length;
  };
  while (read < block.length) {
    const token = block[read++]!;
    const literals = extended(token >> 4);
    if (read + literals > block.length || written + literals > BLOCK_BYTES) fail();
    written += block.copy(output, written, read, read + literals);
    read += literals;
    // The last sequence of a block has no match.
    if (read >= block.length) break;
    const distance = block.readUInt16LE(read);
    read += 2;
    const length = extended(token & 15) + 4;
    if (distance === 0 || distance > written || written + length > BLOCK_BYTES) fail();
    if (distance >= length) output.copyWithin(written, written - distance, written - distance + length);
    // Overlapping: each byte may be one that was written just before.
    else for (let index = 0; index < length; index++) output[written + index] = output[written + index - distance]!;
    written += length;
  }
  return output.subarray(0, written);
}

function fail(): never {
  throw new NexError("image_failed", "The kernel's LZ4 data are damaged. Remove the package from the cache and retry.");
}
