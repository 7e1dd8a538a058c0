/** Gathers what a guest writes, in one buffer that doubles: a guest may write its reply byte by byte. */
export class OutputBuffer {
  readonly #limit: number;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  /** @param limit bytes taken in at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False, and nothing taken in, when it would be more than the limit. */
  append(chunk: Uint8Array): boolean {
    const needed = this.#length + chunk.length;
    if (needed > this.#limit) return false;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(needed, this.#bytes.length * 2)));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
    return true;
  }

  get content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
