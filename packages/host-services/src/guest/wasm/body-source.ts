/** A body that comes from the node, read by the guest in portions of its own choice. */
export class BodySource {
  readonly kind = "stream";
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #abandon: () => void;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(body: AsyncIterable<Buffer>, abandon: () => void) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#abandon = abandon;
  }

  /** The next bytes, at most so many; empty at the end. Waits only if there are none here. @throws NexError */
  async read(limit: number): Promise<Buffer> {
    while (this.#rest.length === 0 && !this.#ended) {
      const { done, value } = await this.#chunks.next();
      if (done === true) this.#ended = true;
      else this.#rest = value;
    }
    const read = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(read.length);
    return read;
  }

  close(): void {
    this.#rest = Buffer.alloc(0);
    if (!this.#ended) this.#abandon();
    this.#ended = true;
  }
}
