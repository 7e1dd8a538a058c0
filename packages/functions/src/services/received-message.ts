import type { MessageHeaders } from "../event.ts";
import { readServiceJson, readText } from "../stored-bytes.ts";
import type { Message } from "./messaging.ts";

/** A {@link Message} over its parts. */
export class ReceivedMessage implements Message {
  readonly subject: string;
  readonly headers: MessageHeaders;
  readonly #payload: Uint8Array;

  constructor(subject: string, headers: MessageHeaders, payload: Uint8Array) {
    this.subject = subject;
    this.headers = headers;
    this.#payload = payload;
  }

  bytes(): Uint8Array {
    return this.#payload;
  }

  text(): string {
    return readText(this.#payload);
  }

  json<T = unknown>(): T {
    return readServiceJson<T>(this.#payload, `The answer on "${this.subject}"`);
  }
}
