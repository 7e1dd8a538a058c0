import { NexError } from "@nex/protocol";
import type { ByteStream } from "./byte-stream.ts";
import { IncomingCall } from "./incoming-call.ts";

export type CallHandler = (call: IncomingCall) => void;

/** How answers leave. */
export interface AnswerFrames {
  reply(id: number, head: Uint8Array | undefined, payload: Uint8Array | undefined): void;
  error(id: number, error: NexError): void;
  openStream(id: number): ByteStream;
}

/** The calls of the peer's that are open, and who handles them. */
export class IncomingCalls {
  readonly #limit: number;
  readonly #frames: AnswerFrames;
  readonly #handlers: Map<number, CallHandler> = new Map();
  readonly #open: Map<number, IncomingCall> = new Map();
  readonly #port = {
    answer: (call: IncomingCall, head?: Uint8Array, payload?: Uint8Array): void => {
      this.#finish(call);
      call.openedStream?.finish();
      this.#frames.reply(call.id, head, payload);
    },
    fail: (call: IncomingCall, error: NexError): void => {
      this.#finish(call);
      call.openedStream?.fail(error);
      this.#frames.error(call.id, error);
    },
    openStream: (call: IncomingCall): ByteStream => this.#frames.openStream(call.id),
  };

  /** @param limit calls that may be open at once */
  constructor(limit: number, frames: AnswerFrames) {
    this.#limit = limit;
    this.#frames = frames;
  }

  handle(method: number, handler: CallHandler): void {
    this.#handlers.set(method, handler);
  }

  /** @throws NexError `link_protocol` for an id that is in use */
  take(id: number, method: number, body: Buffer): void {
    if (this.#open.has(id)) throw new NexError("link_protocol", `The peer used call id ${id} twice at once.`);
    const call = new IncomingCall(id, method, body, this.#port);
    this.#open.set(id, call);
    const handler = this.#handlers.get(method);
    if (handler === undefined) {
      call.fail(new NexError("unknown_method", `This side of the link has no method ${method}.`));
    } else if (this.#open.size > this.#limit) {
      call.fail(new NexError("overloaded", `More than ${this.#limit} calls are open on this link.`));
    } else {
      handler(call);
    }
  }

  /** The caller has withdrawn. */
  cancel(id: number): void {
    const call = this.#open.get(id);
    if (call === undefined) return;
    const reason = new NexError("cancelled", "The caller withdrew the call.");
    call.fail(reason);
    call.cancel(reason);
  }

  streamOf(id: number): ByteStream | undefined {
    return this.#open.get(id)?.stream;
  }

  /** The link has closed. */
  close(reason: NexError): void {
    const calls = [...this.#open.values()];
    this.#open.clear();
    for (const call of calls) {
      call.open = false;
      call.cancel(reason);
    }
  }

  #finish(call: IncomingCall): void {
    call.open = false;
    this.#open.delete(call.id);
  }
}
