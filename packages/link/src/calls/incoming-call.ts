import type { NexError } from "@nex/protocol";
import type { ByteStream } from "./byte-stream.ts";

export interface AnswerPort {
  answer(call: IncomingCall, head: Uint8Array | undefined, payload: Uint8Array | undefined): void;
  fail(call: IncomingCall, error: NexError): void;
  openStream(call: IncomingCall): ByteStream;
}

/** A call of the peer's, to be answered once by {@link reply} or {@link fail}; later answers are ignored. */
export class IncomingCall {
  readonly id: number;
  readonly method: number;
  readonly body: Buffer;
  /** Called once when the caller withdraws or the link closes. Cheaper than {@link signal}. */
  onCancel: ((reason: NexError) => void) | undefined;
  open = true;
  readonly #port: AnswerPort;
  #stream: ByteStream | undefined;
  #controller: AbortController | undefined;
  #cancelled: NexError | undefined;

  constructor(id: number, method: number, body: Buffer, port: AnswerPort) {
    this.id = id;
    this.method = method;
    this.body = body;
    this.#port = port;
  }

  /** Aborts when the caller withdraws or the link closes. Made on first use. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled);
    }
    return this.#controller.signal;
  }

  /** The bytes that travel with the call, in both directions. Made on first use. */
  get stream(): ByteStream {
    this.#stream ??= this.#port.openStream(this);
    return this.#stream;
  }

  /** The stream if anybody has asked for it. */
  get openedStream(): ByteStream | undefined {
    return this.#stream;
  }

  reply(head?: Uint8Array, payload?: Uint8Array): void {
    if (this.open) this.#port.answer(this, head, payload);
  }

  fail(error: NexError): void {
    if (this.open) this.#port.fail(this, error);
  }

  /** For the link: the caller is gone. */
  cancel(reason: NexError): void {
    this.#cancelled = reason;
    this.#stream?.fail(reason);
    this.onCancel?.(reason);
    this.#controller?.abort(reason);
  }
}
