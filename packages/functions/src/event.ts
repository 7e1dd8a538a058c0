/**
 * Headers of a NATS message. Names are case-sensitive, as everywhere in NATS; iterating yields each name
 * once with all of its values, in the order they came.
 */
export interface MessageHeaders extends Iterable<readonly [name: string, values: readonly string[]]> {
  /** First value of the name, or `undefined`. */
  get(name: string): string | undefined;
  /** All values of the name; empty if there is none. */
  all(name: string): readonly string[];
  has(name: string): boolean;
}

/** The message that started the invocation. */
export interface FunctionEvent {
  /** Subject the message was published to. */
  readonly subject: string;
  /**
   * What the wildcards of the trigger stood for, in order: one entry for each `*`, and the whole rest for `>`.
   * With the trigger `orders.*.>` and the subject `orders.de.new.web` it is `["de", "new.web"]`.
   */
  readonly captures: readonly string[];
  readonly headers: MessageHeaders;
  /** The payload as it came. Not a copy: change it only if nothing else reads it. */
  bytes(): Uint8Array;
  /** The payload read as UTF-8. */
  text(): string;
  /**
   * The payload read as JSON, parsed anew on each call. `T` is a promise of yours: nothing checks it.
   * @throws NexError `invalid_request` if the payload is not JSON; left uncaught it tells the caller so.
   */
  json<T = unknown>(): T;
}
