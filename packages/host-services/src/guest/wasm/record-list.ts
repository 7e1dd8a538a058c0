import type { WasmResult } from "./results.ts";

/** The first record of the bytes and where the next begins; `undefined` if it is not whole yet. */
export type ReadRecord = (bytes: Buffer) => { readonly result: WasmResult; readonly end: number } | undefined;

/** A list that comes from the node, handed to the guest a record at a time. */
export class RecordList {
  readonly kind = "list";
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #readRecord: ReadRecord;
  readonly #abandon: () => void;
  #held: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(body: AsyncIterable<Buffer>, readRecord: ReadRecord, abandon: () => void) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#readRecord = readRecord;
    this.#abandon = abandon;
  }

  /** `undefined` at the end. @throws NexError */
  async next(): Promise<WasmResult | undefined> {
    for (;;) {
      const found = this.#held.length === 0 ? undefined : this.#readRecord(this.#held);
      if (found !== undefined) {
        this.#held = this.#held.subarray(found.end);
        return found.result;
      }
      if (this.#ended) return undefined;
      const { done, value } = await this.#chunks.next();
      if (done === true) this.#ended = true;
      else this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value]);
    }
  }

  close(): void {
    this.#held = Buffer.alloc(0);
    if (!this.#ended) this.#abandon();
    this.#ended = true;
  }
}

/** Records that are lines of text. */
export function lines(read: (line: string) => WasmResult): ReadRecord {
  return (bytes) => {
    const end = bytes.indexOf(10);
    return end === -1 ? undefined : { result: read(bytes.toString("utf8", 0, end)), end: end + 1 };
  };
}
