import type { Duplex } from "node:stream";
import { isNexError, NexError, toNexError } from "@nex/protocol";
import { ByteStream } from "./calls/byte-stream.ts";
import { decodeError, encodeError } from "./calls/error-body.ts";
import { type CallHandler, IncomingCalls } from "./calls/incoming-calls.ts";
import { type OutgoingCall, OutgoingCalls, type Settle } from "./calls/outgoing-calls.ts";
import { SendTurns } from "./calls/send-turns.ts";
import { Flag, type Frame, FrameType, MAX_HELLO_BODY } from "./frames/frame.ts";
import { FrameReader } from "./frames/frame-reader.ts";
import { FrameWriter } from "./frames/frame-writer.ts";
import { completeLinkOptions, type LinkConfig, type LinkOptions } from "./link-options.ts";
import { TickBudget } from "./tick-budget.ts";

export type NotifyHandler = (body: Buffer) => void;

export interface CallOptions {
  /** Milliseconds until the call fails with `deadline_exceeded`. Default: none. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * One side of the channel between a node and what runs in a sandbox: calls in both directions over one
 * byte stream. Whatever the peer sends, the worst that happens is that this link closes with a reason.
 */
export class Link {
  readonly closed: Promise<NexError>;
  /** Resolves when the connection itself is gone, a moment after {@link closed}: what was sent last has arrived. */
  readonly gone: Promise<void>;
  readonly #config: LinkConfig;
  readonly #socket: Duplex;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #budget: TickBudget;
  readonly #notifyHandlers: Map<number, NotifyHandler> = new Map();
  readonly #outgoing: OutgoingCalls;
  readonly #incoming: IncomingCalls;
  readonly #turns: SendTurns;
  #admitted: boolean;
  #closeReason: NexError | undefined;
  readonly #resolveClosed: (reason: NexError) => void;
  #pings: PromiseWithResolvers<void>[] = [];
  /** Why the connection ended, while frames that came before that still wait for their turn. */
  #loss: NexError | undefined;
  #drainWaiters: (() => void)[] = [];

  constructor(socket: Duplex, options: LinkOptions = {}) {
    this.#config = completeLinkOptions(options);
    this.#socket = socket;
    this.#admitted = this.#config.admitted;
    this.#reader = new FrameReader(this.#admitted ? this.#config.maxBody : MAX_HELLO_BODY);
    this.#writer = new FrameWriter(socket);
    this.#outgoing = new OutgoingCalls({
      unresponsiveMs: this.#config.unresponsiveMs,
      sendCancel: (id) => this.#writer.write(FrameType.cancel, 0, 0, id),
      onAcknowledged: () => this.#onDrain(),
      onUnresponsive: this.#config.onUnresponsive,
    });
    this.#incoming = new IncomingCalls(this.#config.maxIncomingCalls, {
      reply: (id, head, payload) => this.#writer.write(FrameType.reply, 0, 0, id, head, payload),
      error: (id, error) => this.#writer.write(FrameType.error, 0, 0, id, encodeError(error)),
      openStream: (id) => this.#newStream(id, Flag.toCaller),
    });
    this.#turns = new SendTurns(() => this.#writer.pendingBytes < this.#config.maxStreamBacklog);
    this.#budget = new TickBudget(() => this.#resume());
    const { promise, resolve } = Promise.withResolvers<NexError>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.gone = new Promise((ended) => socket.once("close", () => ended()));
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => this.#onDrain());
    socket.on("error", (cause) =>
      this.#lose(new NexError("link_closed", `The link broke: ${cause.message}`, { cause })),
    );
    socket.on("end", () => this.#lose(new NexError("link_closed", "The other side closed the link.")));
    socket.on("close", () => this.#lose(new NexError("link_closed", "The link was closed.")));
  }

  /** Calls of ours that still wait for an answer, those past their deadline included. */
  get openCalls(): number {
    return this.#outgoing.size;
  }

  get isClosed(): boolean {
    return this.#closeReason !== undefined;
  }

  /**
   * True while the peer reads more slowly than we write, or has not yet acknowledged a call that was withdrawn,
   * so that it may stand still: hold back, and ask {@link whenDrained}.
   */
  get congested(): boolean {
    return this.#outgoing.hasLingering || this.#writer.pendingBytes > this.#config.congestedBytes;
  }

  /** Calls `then` once, when the peer has caught up or the link has closed. */
  whenDrained(then: () => void): void {
    if (this.congested && !this.isClosed) this.#drainWaiters.push(then);
    else queueMicrotask(then);
  }

  /** Lets a peer that has said a valid hello use everything else. */
  admit(): void {
    this.#admitted = true;
    this.#reader.maxBody = this.#config.maxBody;
  }

  handle(method: number, handler: CallHandler): void {
    this.#incoming.handle(method, handler);
  }

  handleNotify(method: number, handler: NotifyHandler): void {
    this.#notifyHandlers.set(method, handler);
  }

  /**
   * The call without a promise, for the trigger path. The body is `head` followed by `payload`; neither may
   * be changed afterwards. Returns the call's id, for {@link cancel}. `settle` is called exactly once.
   */
  send(
    method: number,
    head: Uint8Array | undefined,
    payload: Uint8Array | undefined,
    deadlineMs: number,
    settle: Settle,
  ): number {
    return this.#open(method, head, payload, deadlineMs, settle).id;
  }

  /** A call as a promise of the reply's body. @throws NexError of the peer's, `deadline_exceeded`, `cancelled`, `link_closed` */
  async request(method: number, body?: Uint8Array, options: CallOptions = {}): Promise<Buffer> {
    return await this.open(method, body, options).reply;
  }

  /** A call together with the bytes that travel with it. */
  open(
    method: number,
    body?: Uint8Array,
    options: CallOptions = {},
  ): { readonly reply: Promise<Buffer>; readonly stream: ByteStream } {
    const { signal } = options;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    let abort: (() => void) | undefined;
    const call = this.#open(method, body, undefined, options.deadlineMs ?? Infinity, (error, reply) => {
      if (abort !== undefined) signal?.removeEventListener("abort", abort);
      if (error === undefined) resolve(reply);
      else reject(error);
    });
    call.stream = this.#newStream(call.id, 0);
    if (signal !== undefined) {
      abort = () => this.cancel(call.id, withdrawn(signal));
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    }
    if (this.#closeReason !== undefined) call.stream.fail(this.#closeReason);
    return { reply: promise, stream: call.stream };
  }

  notify(method: number, body: Uint8Array): void {
    if (!this.isClosed) this.#writer.write(FrameType.notify, 0, method, 0, body);
  }

  /** Settles a call of ours with `reason` now and tells the peer to stop. */
  cancel(id: number, reason: NexError): void {
    this.#outgoing.cancel(id, reason);
  }

  /** Milliseconds until the peer's event loop answered. @throws NexError `link_closed` */
  async ping(): Promise<number> {
    if (this.#closeReason !== undefined) throw this.#closeReason;
    const sent = performance.now();
    const answered = Promise.withResolvers<void>();
    this.#pings.push(answered);
    this.#writer.write(FrameType.ping, 0, 0, 0);
    await answered.promise;
    return performance.now() - sent;
  }

  /** Says goodbye with the reason and closes. Open calls on both sides fail with it. */
  close(reason: NexError = new NexError("link_closed", "The link was closed.")): void {
    if (this.isClosed) return;
    this.#writer.write(FrameType.goodbye, 0, 0, 0, encodeError(reason));
    this.#writer.flush();
    this.#shut(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  #open(
    method: number,
    head: Uint8Array | undefined,
    payload: Uint8Array | undefined,
    deadlineMs: number,
    settle: Settle,
  ): OutgoingCall {
    const call = this.#outgoing.add(deadlineMs, settle);
    if (!this.isClosed) this.#writer.write(FrameType.call, 0, method, call.id, head, payload);
    return call;
  }

  #newStream(id: number, flags: number): ByteStream {
    return new ByteStream({
      turns: this.#turns,
      sendData: (chunk, end) => this.#writer.write(FrameType.data, flags | (end ? Flag.end : 0), 0, id, chunk),
      sendCredit: (bytes) => {
        const body = Buffer.allocUnsafe(4);
        body.writeUInt32LE(bytes);
        this.#writer.write(FrameType.credit, flags, 0, id, body);
      },
    });
  }

  #receive(chunk: Buffer): void {
    if (this.isClosed) return;
    this.#reader.push(chunk);
    this.#drainReader();
  }

  /** Handles frames until the chunk or this turn's share is used up; then the socket rests until the next turn. */
  #drainReader(): void {
    try {
      while (!this.isClosed && this.#reader.hasBytes) {
        if (this.#budget.exhausted) {
          this.#socket.pause();
          return;
        }
        const frame = this.#reader.next();
        if (frame === undefined) break;
        this.#budget.spend(frame.body.length);
        this.#dispatch(frame);
      }
      if (this.#loss !== undefined) this.#shut(this.#loss);
    } catch (error) {
      this.close(toNexError(error));
    }
  }

  #resume(): void {
    if (this.isClosed) return;
    this.#drainReader();
    if (!this.#budget.exhausted && this.#socket.isPaused()) this.#socket.resume();
  }

  #dispatch(frame: Frame): void {
    if (
      !this.#admitted &&
      !(frame.type === FrameType.call && frame.method === this.#config.helloMethod) &&
      frame.type !== FrameType.goodbye
    ) {
      throw new NexError("link_protocol", "The peer sent something else before its hello.");
    }
    switch (frame.type) {
      case FrameType.call:
        this.#requireReadingPeer();
        return this.#incoming.take(frame.id, frame.method, frame.body);
      case FrameType.reply:
        return this.#outgoing.answer(frame.id, undefined, frame.body);
      case FrameType.error:
        return this.#outgoing.answer(frame.id, decodeError(frame.body), frame.body);
      case FrameType.cancel:
        return this.#incoming.cancel(frame.id);
      case FrameType.data:
        return this.#streamOf(frame)?.onData(frame.body, (frame.flags & Flag.end) !== 0);
      case FrameType.credit:
        if (frame.body.length !== 4)
          throw new NexError("link_protocol", "The peer sent a credit frame of the wrong size.");
        return this.#streamOf(frame)?.onCredit(frame.body.readUInt32LE(0));
      case FrameType.ping:
        this.#requireReadingPeer();
        return this.#writer.write(FrameType.pong, 0, 0, frame.id);
      case FrameType.pong:
        return this.#pings.shift()?.resolve();
      case FrameType.notify:
        return this.#notifyHandlers.get(frame.method)?.(frame.body);
      case FrameType.goodbye:
        return this.#shut(decodeError(frame.body));
    }
  }

  /** Every answer takes memory until the peer reads it. */
  #requireReadingPeer(): void {
    if (this.#writer.pendingBytes > this.#config.maxPendingBytes) {
      throw new NexError("link_protocol", "The peer asks but does not read the answers.");
    }
  }

  #streamOf(frame: Frame): ByteStream | undefined {
    if ((frame.flags & Flag.toCaller) !== 0) return this.#outgoing.streamOf(frame.id);
    return this.#incoming.streamOf(frame.id);
  }

  #onDrain(): void {
    this.#turns.pass();
    if (this.congested && !this.isClosed) return;
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const wake of waiters) wake();
  }

  /** The connection has ended; what arrived before that is handled first. */
  #lose(reason: NexError): void {
    if (this.#reader.hasBytes && !this.isClosed) this.#loss ??= reason;
    else this.#shut(reason);
  }

  #shut(reason: NexError): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#budget.stop();
    this.#socket.end();
    // What the peer still sends is read and left aside: closing on it would make its writes fail before it has read
    // our last frames. A peer that does not close in turn must not keep the descriptor.
    this.#socket.resume();
    this.#socket.once("end", () => this.#socket.destroy());
    setTimeout(() => this.#socket.destroy(), this.#config.goodbyeMs).unref();
    this.#resolveClosed(reason);
    this.#incoming.close(reason);
    this.#outgoing.close(reason);
    for (const ping of this.#pings.splice(0)) ping.reject(reason);
    this.#onDrain();
  }
}

/** Why a call was withdrawn, in the words of whoever did it where they are ours. */
export function withdrawn({ reason }: AbortSignal): NexError {
  return isNexError(reason) ? reason : new NexError("cancelled", "The call was withdrawn.", { cause: reason });
}
