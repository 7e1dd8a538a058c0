import {
  decodeServiceAnswer,
  encodeServiceRequest,
  type HeaderList,
  type Link,
  SERVICE_CODE,
  type ServiceAnswer,
  withdrawn,
} from "@nex/link";
import { NexError } from "@nex/protocol";
import { CallWindow } from "./call-window.ts";
import { thrownHere } from "./call-errors.ts";
import { BodyReader, type StreamedAnswer } from "./streamed-answer.ts";
import type { UnreadBodies } from "./unread-bodies.ts";

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
  readonly #window: CallWindow = new CallWindow();

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
      if (!this.#window.enter()) await this.#window.whenEntered(signal);
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
        this.#window.leave();
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
    if (!this.#window.enter()) await this.#window.whenEntered(signal);
    const stop = new AbortController();
    const { reply, stream } = this.#link.open(
      SERVICE_CODE,
      payload === undefined ? head : Buffer.concat([head, payload]),
      { signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]) },
    );
    const settled = reply.finally(() => this.#window.leave());
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
}

/** A controller in place of its signal, say: found out later it would end the process. @throws NexError `invalid_request` */
function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new NexError(
    "invalid_request",
    "The option `signal` is not an AbortSignal. Of an AbortController pass its `signal`.",
  );
}
