import { decodeServiceAnswer, type HeaderList } from "@nex/link";
import { thrownHere } from "./call-errors.ts";

/** An answer whose body is still to come. Read it to its end or `return()` its iterator: until then the call is open. */
export interface StreamedAnswer {
  readonly args: readonly string[];
  readonly headers: HeaderList;
  readonly body: AsyncIterable<Buffer>;
}

export interface BodyListener {
  /** Somebody reads the body. */
  readonly onBegun: () => void;
  /** Whoever read it has broken off. */
  readonly onAbandoned: () => void;
}

/** Reads a streamed answer: its head first, then the body. */
export class BodyReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #reply: Promise<Buffer>;
  readonly #listener: BodyListener;

  constructor(stream: AsyncIterable<Buffer>, reply: Promise<Buffer>, listener: BodyListener) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#reply = reply;
    this.#listener = listener;
  }

  async head(): Promise<StreamedAnswer> {
    let held: Buffer = Buffer.alloc(0);
    for (;;) {
      if (held.length >= 4 && held.length >= 4 + held.readUInt32LE(0)) break;
      const next = await this.#chunks.next();
      if (next.done === true) {
        // Answered without a stream: all of it is in the reply.
        const { args, headers, payload } = decodeServiceAnswer(await this.#reply);
        return { args, headers, body: one(payload) };
      }
      held = held.length === 0 ? next.value : Buffer.concat([held, next.value]);
    }
    const end = 4 + held.readUInt32LE(0);
    const { args, headers } = decodeServiceAnswer(held.subarray(4, end));
    return { args, headers, body: this.#body(held.subarray(end)) };
  }

  async *#body(first: Buffer): AsyncGenerator<Buffer, void, undefined> {
    let whole = false;
    this.#listener.onBegun();
    try {
      if (first.length > 0) yield first;
      for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) yield next.value;
      // The stream's end alone says nothing about whether the host got to the end of the body.
      await this.#reply;
      whole = true;
    } catch (error) {
      throw thrownHere(error);
    } finally {
      if (!whole) this.#listener.onAbandoned();
    }
  }
}

async function* one(payload: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (payload.length > 0) yield payload;
}
