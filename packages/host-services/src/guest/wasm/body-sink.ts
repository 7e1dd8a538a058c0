import { NexError } from "@nex/protocol";
import type { StreamedAnswer } from "../streamed-answer.ts";

/** What becomes of a body that the guest has written to its end: the value its call gives back. */
export type Finish = (answer: StreamedAnswer) => number | Promise<number>;

/** A body that goes to the node, written by the guest a piece at a time; each is on its way before the next is taken. */
export class BodySink {
  readonly kind = "stream";
  readonly #answer: Promise<StreamedAnswer>;
  readonly #finish: Finish;
  readonly #abandon: () => void;
  readonly #pieces: PieceQueue = new PieceQueue();

  /** @param send starts the call with this body */
  constructor(send: (body: AsyncIterable<Uint8Array>) => Promise<StreamedAnswer>, finish: Finish, abandon: () => void) {
    this.#answer = send(this.#pieces);
    this.#finish = finish;
    this.#abandon = abandon;
    // A call that has failed takes no more; why it failed is told by whatever the guest does next.
    this.#answer.catch(() => this.#pieces.close());
  }

  /** Resolves when the piece is under way. It may not be changed afterwards. @throws NexError how the call failed */
  async write(piece: Uint8Array): Promise<void> {
    // Answered before its end: the rest is not wanted, and the answer says why.
    if (!(await this.#pieces.put(piece))) await this.#answer;
  }

  /** Ends the body and waits for what becomes of it. @throws NexError */
  async finish(): Promise<number> {
    this.#pieces.end();
    return await this.#finish(await this.#answer);
  }

  close(): void {
    this.#pieces.close();
    this.#abandon();
  }
}

/** Hands pieces from who writes to who sends, one at a time. */
class PieceQueue implements AsyncIterable<Uint8Array> {
  #piece: Uint8Array | undefined;
  #state: "open" | "ended" | "closed" = "open";
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** False if it is not wanted any more. */
  async put(piece: Uint8Array): Promise<boolean> {
    this.#piece = piece;
    this.#signal();
    while (this.#piece === piece && this.#state === "open") await this.#changed.promise;
    return this.#state === "open";
  }

  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#signal();
  }

  close(): void {
    this.#state = "closed";
    this.#piece = undefined;
    this.#signal();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        if (this.#state === "closed") throw new NexError("cancelled", "The body was not written to its end.");
        if (this.#piece !== undefined) {
          yield this.#piece;
          // Who sends comes back when the piece is under way.
          this.#piece = undefined;
          this.#signal();
        } else if (this.#state === "ended") {
          return;
        } else {
          await this.#changed.promise;
        }
      }
    } finally {
      // Or does not come back, because the call is over.
      this.close();
    }
  }

  #signal(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
