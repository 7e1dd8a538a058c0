import { NexError } from "@nex/protocol";
import { INITIAL_CREDIT, MAX_DATA_BYTES } from "../frames/frame.ts";
import type { SendTurns } from "./send-turns.ts";

export interface StreamFrames {
  /** The line in which the streams of one link stand. */
  readonly turns: SendTurns;
  sendData(chunk: Uint8Array | undefined, end: boolean): void;
  sendCredit(bytes: number): void;
}

/** Unread chunks that are kept apart. More are put together: each costs memory beyond its bytes, and keeps alive what it was cut from. */
const MAX_CHUNKS = 256;

/** Credit is handed back in portions of this size, so that small chunks do not each cost a frame. */
const CREDIT_PORTION = INITIAL_CREDIT / 4;

/**
 * The two directions of bytes that belong to one call. Neither side holds more than {@link INITIAL_CREDIT}
 * unread bytes: the writer waits for credit, which the reader grants as it consumes.
 */
export class ByteStream implements AsyncIterable<Buffer> {
  readonly #frames: StreamFrames;
  #sendCredit = INITIAL_CREDIT;
  #ended = false;
  #creditWaiters: (() => void)[] = [];
  /** Writers that wait for the connection. */
  readonly #turnWaiters: Set<() => void> = new Set();

  #received: Buffer[] = [];
  #unreadBytes = 0;
  #toGrant = 0;
  #receiveEnded = false;
  #readWaiters: (() => void)[] = [];
  #failure: NexError | undefined;

  constructor(frames: StreamFrames) {
    this.#frames = frames;
  }

  /**
   * Sends bytes, cut into data frames; resolves when all are under way. The bytes may not be changed afterwards.
   * @throws NexError when the call or link ended
   */
  async write(bytes: Uint8Array): Promise<void> {
    const { turns } = this.#frames;
    let offset = 0;
    while (offset < bytes.length) {
      this.#checkOpen();
      if (this.#sendCredit === 0) {
        await new Promise<void>((resolve) => this.#creditWaiters.push(resolve));
        continue;
      }
      if (turns.isFree) {
        offset += this.#sendNext(bytes, offset);
        continue;
      }
      await this.#turn();
      try {
        // Others may have ended the stream or used its credit up meanwhile.
        if (this.#canSend) offset += this.#sendNext(bytes, offset);
      } finally {
        turns.pass();
      }
    }
  }

  /** Says that nothing follows from this side. */
  end(): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#ended = true;
    this.#frames.sendData(undefined, true);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#received.shift();
      if (chunk !== undefined) {
        this.#unreadBytes -= chunk.length;
        this.#grant(chunk.length);
        yield chunk;
      } else if (this.#failure !== undefined) {
        throw this.#failure;
      } else if (this.#receiveEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => this.#readWaiters.push(resolve));
      }
    }
  }

  /** For the link: a data frame came in. @throws NexError `link_protocol` if the peer ignored its credit */
  onData(chunk: Buffer, end: boolean): void {
    if (this.#receiveEnded) throw new NexError("link_protocol", "The peer sent stream data after the stream's end.");
    if (chunk.length > MAX_DATA_BYTES)
      throw new NexError("link_protocol", `The peer sent a data frame of more than ${MAX_DATA_BYTES} bytes.`);
    if (this.#unreadBytes + this.#toGrant + chunk.length > INITIAL_CREDIT) {
      throw new NexError("link_protocol", "The peer sent more stream data than it had credit for.");
    }
    if (chunk.length > 0) {
      this.#unreadBytes += chunk.length;
      this.#received.push(chunk);
      if (this.#received.length > MAX_CHUNKS) this.#received = [Buffer.concat(this.#received)];
    }
    this.#receiveEnded = end;
    this.#wakeReader();
  }

  /** For the link: the peer consumed `bytes`. */
  onCredit(bytes: number): void {
    if (this.#sendCredit + bytes > INITIAL_CREDIT)
      throw new NexError("link_protocol", "The peer granted more credit than it had received.");
    this.#sendCredit += bytes;
    this.#wakeWriter();
  }

  /** For the link: the call was answered; what has arrived can still be read. */
  finish(): void {
    this.#receiveEnded = true;
    this.#ended = true;
    this.#wakeReader();
    this.#wakeWriter();
    this.#leaveLine();
  }

  /** For the link: the call failed, was cancelled or the link closed. */
  fail(reason: NexError): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#wakeReader();
    this.#wakeWriter();
    this.#leaveLine();
  }

  get #canSend(): boolean {
    return this.#failure === undefined && !this.#ended && this.#sendCredit > 0;
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended)
      throw new NexError("cancelled", "The stream ended before all bytes were written: the call was answered already.");
  }

  /** One frame. Returns how many bytes are in it. */
  #sendNext(bytes: Uint8Array, offset: number): number {
    const size = Math.min(bytes.length - offset, MAX_DATA_BYTES, this.#sendCredit);
    this.#sendCredit -= size;
    this.#frames.sendData(bytes.subarray(offset, offset + size), false);
    return size;
  }

  async #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turnWaiters.add(resolve);
    this.#frames.turns.wait(resolve);
    await promise;
    this.#turnWaiters.delete(resolve);
  }

  #grant(bytes: number): void {
    this.#toGrant += bytes;
    if (this.#toGrant < CREDIT_PORTION || this.#receiveEnded || this.#failure !== undefined) return;
    this.#frames.sendCredit(this.#toGrant);
    this.#toGrant = 0;
  }

  #wakeReader(): void {
    for (const wake of this.#readWaiters.splice(0)) wake();
  }

  #wakeWriter(): void {
    for (const wake of this.#creditWaiters.splice(0)) wake();
  }

  /** A stream that is over keeps no place in the line, nor the bytes it would have sent. */
  #leaveLine(): void {
    for (const wake of this.#turnWaiters) {
      this.#frames.turns.leave(wake);
      wake();
    }
  }
}
