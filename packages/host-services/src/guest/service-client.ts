import { serviceError } from "@nex/functions/internal";
import {
  decodeServiceAnswer,
  encodeServiceRequest,
  type HeaderList,
  type Link,
  SERVICE_CODE,
  type ServiceAnswer,
} from "@nex/link";
import { isNexError, NexError } from "@nex/protocol";
import type { UnreadBodies } from "./unread-bodies.ts";

/** Calls a guest has open at once; more wait here. Half of what a node admits, so that two runners may overlap. */
const WINDOW = 64;

/** Room in a frame for arguments and headers beside a payload of the largest size. */
export const HEAD_ROOM: number = 48 * 1024;

export interface ServiceMessage {
  readonly args?: readonly string[];
  readonly headers?: HeaderList;
  readonly payload?: Uint8Array;
}

export interface StreamOptions extends ServiceMessage {
  /** A body of any length that travels with the call. */
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body is still to come. Read it to its end or `return()` its iterator: until then the call is open. */
export interface StreamedAnswer {
  readonly args: readonly string[];
  readonly headers: HeaderList;
  readonly body: AsyncIterable<Buffer>;
}

export interface ServiceClientOptions {
  readonly link: Link;
  /** Largest payload of one message, bytes: known after the hello. */
  readonly maxPayload: () => number;
  /** Of whoever makes the call, who lets go of them at the end. Default: nobody does. */
  readonly unread?: () => UnreadBodies | undefined;
}

/** A guest's way to the host services of its node, without anything that says who it is. */
export class ServiceClient {
  readonly #link: Link;
  readonly #maxPayload: () => number;
  readonly #unread: () => UnreadBodies | undefined;
  #open = 0;
  readonly #waiting: Set<() => void> = new Set();

  constructor(options: ServiceClientOptions) {
    this.#link = options.link;
    this.#maxPayload = options.maxPayload;
    this.#unread = options.unread ?? (() => undefined);
  }

  /** One message there, one back. @throws NexError */
  async call(service: number, method: number, message: ServiceMessage, signal?: AbortSignal): Promise<ServiceAnswer> {
    try {
      checkSignal(signal);
      const { args, headers, payload } = message;
      const head = encodeServiceRequest(service, method, 0, args, headers);
      this.#checkSize(head.length, payload?.length ?? 0);
      if (!this.#takePlace()) await this.#placeFreed(signal);
      return await this.#send(head, payload, signal);
    } catch (error) {
      throw thrownHere(error);
    }
  }

  #send(head: Buffer, payload: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<ServiceAnswer> {
    return new Promise<ServiceAnswer>((resolve, reject) => {
      let withdraw: (() => void) | undefined;
      const id = this.#link.send(SERVICE_CODE, head, payload, Infinity, (error, body) => {
        if (withdraw !== undefined) signal?.removeEventListener("abort", withdraw);
        this.#leavePlace();
        if (error === undefined) resolve(decodeServiceAnswer(body));
        else reject(error);
      });
      if (signal !== undefined) {
        withdraw = () => this.#link.cancel(id, withdrawn(signal));
        if (signal.aborted) withdraw();
        else signal.addEventListener("abort", withdraw, { once: true });
      }
    });
  }

  /** A call whose bodies, there and back, may be of any length. Resolves when the head of the answer is here. @throws NexError */
  async stream(service: number, method: number, options: StreamOptions): Promise<StreamedAnswer> {
    try {
      return await this.#stream(service, method, options);
    } catch (error) {
      throw thrownHere(error);
    }
  }

  async #stream(service: number, method: number, options: StreamOptions): Promise<StreamedAnswer> {
    const { args, headers, payload, body, signal } = options;
    checkSignal(signal);
    const head = encodeServiceRequest(service, method, 0, args, headers);
    this.#checkSize(head.length, payload?.length ?? 0);
    // Asked for now: later it is somebody else's turn.
    const unread = this.#unread();
    if (!this.#takePlace()) await this.#placeFreed(signal);
    const stop = new AbortController();
    const { reply, stream } = this.#link.open(
      SERVICE_CODE,
      payload === undefined ? head : Buffer.concat([head, payload]),
      { signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]) },
    );
    const settled = reply.finally(() => this.#leavePlace());
    settled.catch(() => undefined);
    const source: { fault?: { readonly thrown: unknown } } = {};
    void this.#sendBody(stream, body, (thrown) => {
      source.fault = { thrown };
      stop.abort(thrown);
    });
    const letGo = (): void =>
      stop.abort(new NexError("cancelled", "The invocation ended before it had read this answer."));
    const reader = new BodyReader(stream, settled, {
      onBegun: () => unread?.begun(letGo),
      onAbandoned: () => stop.abort(new NexError("cancelled", "The rest was not wanted.")),
    });
    try {
      const answer = await reader.head();
      unread?.add(letGo);
      return answer;
    } catch (error) {
      // What went wrong is what the function's own source threw; that the call was then withdrawn only follows.
      throw source.fault === undefined ? error : source.fault.thrown;
    }
  }

  async #sendBody(
    stream: ReturnType<Link["open"]>["stream"],
    body: StreamOptions["body"],
    onFault: (thrown: unknown) => void,
  ): Promise<void> {
    let isSourceAtFault = true;
    try {
      if (body !== undefined) {
        for await (const chunk of body) {
          if (!ArrayBuffer.isView(chunk)) throw new TypeError("A piece of the body is not made of bytes.");
          isSourceAtFault = false;
          await stream.write(chunk);
          isSourceAtFault = true;
        }
      }
      stream.end();
    } catch (thrown) {
      // Where it was the call that ended, it says why itself; where the source threw, it must not be taken for whole.
      if (isSourceAtFault) onFault(thrown);
    }
  }

  /** For what would first have to be copied. @throws NexError `too_large` */
  checkPayload(size: number): void {
    const limit = this.#maxPayload();
    if (size <= limit) return;
    throw new NexError("too_large", `It has ${size} bytes; the NATS server carries at most ${limit} in one message.`, {
      data: { size, limit },
    });
  }

  #checkSize(head: number, payload: number): void {
    this.checkPayload(payload);
    if (head <= HEAD_ROOM) return;
    throw new NexError(
      "too_large",
      `Arguments and headers together have ${head} bytes; at most ${HEAD_ROOM} are taken.`,
    );
  }

  /** True if there is room for one more open call, which is the caller's from now on. */
  #takePlace(): boolean {
    if (this.#open >= WINDOW) return false;
    this.#open++;
    return true;
  }

  /** Resolves when somebody has left a place to the caller. Who withdraws before that has none. */
  async #placeFreed(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const withdraw = (): void => {
      this.#waiting.delete(resolve);
      reject(withdrawn(signal!));
    };
    this.#waiting.add(resolve);
    if (signal?.aborted === true) withdraw();
    else signal?.addEventListener("abort", withdraw, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", withdraw);
    }
  }

  /** Gives the place to who waits longest, if anybody does. */
  #leavePlace(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#open--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

interface BodyListener {
  /** Somebody reads the body. */
  readonly onBegun: () => void;
  /** Whoever read it has broken off. */
  readonly onAbandoned: () => void;
}

/** Reads a streamed answer: its head first, then the body. */
class BodyReader {
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

/**
 * The same error with the stack of whoever waits: the function's own lines. It was made where the answer came in, or
 * for all calls of a link that has closed.
 */
function thrownHere(error: unknown): unknown {
  return isNexError(error) ? serviceError(error.code, error.message, { cause: error.cause, data: error.data }) : error;
}

/** A controller in place of its signal, say: found out later it would end the process. @throws NexError `invalid_request` */
function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new NexError(
    "invalid_request",
    "The option `signal` is not an AbortSignal. Of an AbortController pass its `signal`.",
  );
}

function withdrawn(signal: AbortSignal): NexError {
  return new NexError("cancelled", "The call was withdrawn.", { cause: signal.reason });
}
