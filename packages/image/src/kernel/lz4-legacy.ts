import { NexError } from "@nex/protocol";

/** `0x184C2102`, little endian: the form in which Linux compresses its kernels with LZ4. */
export const LZ4_LEGACY_MAGIC: Buffer = Buffer.from([0x02, 0x21, 0x4c, 0x18]);

/** No legacy block holds more than this many bytes. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** A length of this in a token goes on in the bytes that follow. */
const EXTENDED = 15;

/** Unpacks an LZ4 stream of the legacy form: blocks, each after its length. @throws NexError `image_failed` */
export function decompressLz4Legacy(data: Buffer): Buffer {
  const blocks: Buffer[] = [];
  let at = LZ4_LEGACY_MAGIC.length;
  while (at + 4 <= data.length) {
    const length = data.readUInt32LE(at);
    at += 4;
    // The kernel's build puts the unpacked size behind the last block, where only a length could stand.
    if (length === 0 || at + length > data.length) break;
    blocks.push(new BlockDecoder(data.subarray(at, at + length)).decode());
    at += length;
  }
  return Buffer.concat(blocks);
}

/**
 * One block. Positions are fields, not variables that a closure shares: with those, V8 of Node 26.10 now and then
 * compiled code that read a byte too far ahead (gone with --no-function-context-cells), and the kernel was damaged.
 */
class BlockDecoder {
  readonly #input: Buffer;
  readonly #output: Buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  #read = 0;
  #written = 0;

  constructor(input: Buffer) {
    this.#input = input;
  }

  decode(): Buffer {
    while (this.#read < this.#input.length) {
      const token = this.#next();
      this.#copyLiterals(this.#length(token >> 4));
      // The last sequence of a block has no match.
      if (this.#read === this.#input.length) break;
      const distance = this.#next() | (this.#next() << 8);
      this.#copyMatch(distance, this.#length(token & EXTENDED) + 4);
    }
    return this.#output.subarray(0, this.#written);
  }

  #next(): number {
    return this.#input[this.#read++] ?? fail();
  }

  #length(first: number): number {
    if (first !== EXTENDED) return first;
    let length = first;
    let more: number;
    do {
      more = this.#next();
      length += more;
    } while (more === 255);
    return length;
  }

  #copyLiterals(length: number): void {
    const end = this.#read + length;
    if (end > this.#input.length || this.#written + length > BLOCK_BYTES) fail();
    this.#input.copy(this.#output, this.#written, this.#read, end);
    this.#read = end;
    this.#written += length;
  }

  #copyMatch(distance: number, length: number): void {
    const from = this.#written - distance;
    const end = this.#written + length;
    if (distance === 0 || from < 0 || end > BLOCK_BYTES) fail();
    if (distance >= length) this.#output.copyWithin(this.#written, from, from + length);
    else this.#repeat(from, end);
    this.#written = end;
  }

  /** Overlapping: a byte may be one that was written just before. */
  #repeat(from: number, end: number): void {
    const output = this.#output;
    for (let to = this.#written, source = from; to < end; to++, source++) output[to] = output[source]!;
  }
}

function fail(): never {
  throw new NexError("image_failed", "The kernel's LZ4 data are damaged. Remove the package from the cache and retry.");
}
