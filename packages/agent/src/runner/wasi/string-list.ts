import type { GuestMemory } from "./guest-memory.ts";

/** Arguments or environment as the guest reads them: one block of strings that each end in a zero byte. */
export class StringList {
  readonly #block: Buffer;
  /** Where in the block each string begins. */
  readonly #offsets: readonly number[];

  constructor(strings: readonly string[]) {
    const encoded = strings.map((text) => Buffer.from(`${text}\0`, "utf8"));
    const offsets: number[] = [];
    let length = 0;
    for (const bytes of encoded) {
      offsets.push(length);
      length += bytes.length;
    }
    this.#block = Buffer.concat(encoded);
    this.#offsets = offsets;
  }

  writeSizes(memory: GuestMemory, countPointer: number, lengthPointer: number): void {
    memory.writeU32(countPointer, this.#offsets.length);
    memory.writeU32(lengthPointer, this.#block.length);
  }

  write(memory: GuestMemory, pointersPointer: number, blockPointer: number): void {
    const block = memory.bytes(blockPointer, this.#block.length);
    // Checked as a whole first, so that nothing is written when the list does not fit.
    memory.bytes(pointersPointer, this.#offsets.length * 4);
    block.set(this.#block);
    for (const [index, offset] of this.#offsets.entries())
      memory.writeU32((pointersPointer >>> 0) + index * 4, (blockPointer >>> 0) + offset);
  }
}
