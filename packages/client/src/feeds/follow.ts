import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { natsError } from "../requests/nats-errors.ts";

/** Entries kept for a reader who is slower than the feed; past that the oldest go. */
const MAX_WAITING = 10_000;

export interface FollowOptions {
  /** Ends the feed, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many entries were dropped because they were not read in time. */
  readonly onDropped?: ((count: number) => void) | undefined;
}

/**
 * What is published from now on, for one reader. Ends when the reader leaves its loop, the signal is aborted or
 * the client is closed; `await using` ends one that is never read.
 */
export interface Feed<T> extends AsyncIterableIterator<T, undefined>, AsyncDisposable {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
}

/**
 * Subscribes at once, so that nothing is missed between this call and the first entry read.
 *
 * @param read gives the entry of a message, `undefined` to skip it; skips what it throws on
 * @throws NexError from `next()`: `not_allowed` for a subject that may not be read, `connection_failed` when the
 *   connection ends
 */
export function follow<T>(
  context: ClientContext,
  subjects: readonly string[],
  read: (message: Msg) => T | undefined,
  options: FollowOptions,
): Feed<T> {
  const { closed, connection } = context;
  const signals = options.signal === undefined ? [closed] : [closed, options.signal];
  return new Following(connection, subjects, read, signals, options.onDropped);
}

class Following<T> implements Feed<T> {
  readonly #subscriptions: Subscription[] = [];
  readonly #listening: AbortController = new AbortController();
  readonly #onDropped: ((count: number) => void) | undefined;
  #entries: T[] = [];
  #dropped = 0;
  #error: NexError | undefined;
  /** Readers whose `next()` waits. */
  #waiting: (() => void)[] = [];

  constructor(
    connection: NatsConnection,
    subjects: readonly string[],
    read: (message: Msg) => T | undefined,
    signals: readonly AbortSignal[],
    onDropped: ((count: number) => void) | undefined,
  ) {
    this.#onDropped = onDropped;
    const ended = this.#listening.signal;
    for (const signal of signals) {
      if (signal.aborted) this.#end();
      else signal.addEventListener("abort", () => this.#end(), { signal: ended });
    }
    for (const subject of subjects) if (!ended.aborted) this.#subscribe(connection, subject, read);
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      this.#reportDropped();
      const entry = this.#entries.shift();
      if (entry !== undefined) return { value: entry, done: false };
      if (this.#error !== undefined) throw this.#error;
      if (this.#listening.signal.aborted) return { value: undefined, done: true };
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#entries = [];
    this.#error = undefined;
    this.#end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #subscribe(connection: NatsConnection, subject: string, read: (message: Msg) => T | undefined): void {
    let subscription: Subscription;
    try {
      subscription = connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) this.#take(message, read);
          else this.#fail(natsError(error, subject));
        },
      });
    } catch (error) {
      this.#end();
      throw natsError(error, subject);
    }
    this.#subscriptions.push(subscription);
    void subscription.closed.then(() =>
      this.#fail(new NexError("connection_failed", "The connection to the NATS server was closed. Connect again.")),
    );
  }

  #take(message: Msg, read: (message: Msg) => T | undefined): void {
    let entry: T | undefined;
    try {
      entry = read(message);
    } catch {
      // Anybody who may publish there could otherwise end the feed.
    }
    if (entry === undefined) return;
    this.#entries.push(entry);
    if (this.#entries.length > MAX_WAITING) {
      this.#entries.shift();
      this.#dropped++;
    }
    this.#wake();
  }

  #fail(error: NexError): void {
    if (this.#listening.signal.aborted) return;
    this.#error = error;
    this.#end();
  }

  #end(): void {
    if (this.#listening.signal.aborted) return;
    this.#listening.abort();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#onDropped?.(dropped);
  }
}
