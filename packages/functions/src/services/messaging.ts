import type { MessageHeaders } from "../event.ts";
import type { HeadersInput } from "../headers.ts";

/** An answer to a request. */
export interface Message {
  readonly subject: string;
  readonly headers: MessageHeaders;
  bytes(): Uint8Array;
  /** The payload read as UTF-8. */
  text(): string;
  /** The payload read as JSON. @throws NexError `invalid_request` if it is not JSON */
  json<T = unknown>(): T;
}

export interface PublishOptions {
  /** Names that begin with `Nats-` are left out: they speak for the server. */
  readonly headers?: HeadersInput;
  /** Where answers are to go. */
  readonly reply?: string;
}

export interface RequestOptions {
  /** Default: the node's, 5000. */
  readonly timeoutMs?: number;
  readonly headers?: HeadersInput;
  /** Withdraws the request; `ctx.signal` does so when the invocation's deadline passes. */
  readonly signal?: AbortSignal;
}

export interface RequestManyOptions extends RequestOptions {
  /** Enough answers. Default: as many as come, at most 10 000. */
  readonly count?: number;
  /** Ends when no answer has come for this long after the first, ms. Default: waits for count or time. */
  readonly quietMs?: number;
}

/**
 * Messages over the namespace's connection. Payloads: bytes and strings as they are, nothing for `undefined`, anything
 * else as JSON. Subjects that begin with `$` or `_`, and those the node denies, are refused.
 *
 * Every method may throw NexError `invalid_subject`, `subject_denied`, `too_large`, `connection_failed`, `overloaded`,
 * `service_disabled`.
 */
export interface Messaging {
  publish(subject: string, payload?: unknown, options?: PublishOptions): Promise<void>;
  /** @throws NexError `no_responders`, `timeout` */
  request(subject: string, payload?: unknown, options?: RequestOptions): Promise<Message>;
  /** The answers that came until there were enough, it was quiet, or time was up. @throws NexError `no_responders` */
  requestMany(subject: string, payload?: unknown, options?: RequestManyOptions): Promise<Message[]>;
}
