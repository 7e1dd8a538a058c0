/** The bytes are not what the format says. */
export class MalformedModule extends Error {}

/** Reads the numbers of the WebAssembly binary format. Never past the end, never further than asked. */
export class BinaryReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#end = end;
  }

  get offset(): number {
    return this.#offset;
  }

  get atEnd(): boolean {
    return this.#offset === this.#end;
  }

  u8(): number {
    if (this.#offset >= this.#end) throw new MalformedModule("unexpected end");
    return this.#bytes[this.#offset++]!;
  }

  /** LEB128, at most five bytes, the unused bits of the last one zero: as engines read it. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) break;
      // Not by shifting: the result would be signed.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedModule("a number is too long");
  }

  /** Passes over a signed LEB128 number of up to `bits` bits. */
  skipSigned(bits: 32 | 33 | 64): void {
    for (let read = 0; read < Math.ceil(bits / 7); read++) if (this.u8() < 0x80) return;
    throw new MalformedModule("a number is too long");
  }

  /** Passes over `length` bytes and says where they begin. */
  skip(length: number): number {
    const start = this.#offset;
    if (length > this.#end - start) throw new MalformedModule("unexpected end");
    this.#offset += length;
    return start;
  }
}

export function encodeU32(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}
