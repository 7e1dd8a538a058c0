/** One key as it was found. */
export interface KeyValueEntry {
  readonly key: string;
  /** Grows with every write to the bucket. For {@link KeyValue.update}. */
  readonly revision: number;
  bytes(): Uint8Array;
  /** The value read as UTF-8. */
  text(): string;
  /**
   * The value read as JSON. `T` is a promise of yours: nothing checks it.
   * @throws NexError `invalid_request` if it is not JSON
   */
  json<T = unknown>(): T;
}

export interface KeyValuePutOptions {
  /** The key is gone this many ms later (at least 1000). Needs nats-server 2.11. Default: it stays. */
  readonly ttlMs?: number;
}

/**
 * The workload's own key-value bucket; made on first use, shared by its instances and revisions.
 *
 * Values: bytes and strings go in as they are, anything else as JSON. Every method may throw NexError `invalid_key`,
 * `service_disabled`, `too_large`, `bucket_full`, `bucket_missing`, `bucket_taken`, `jetstream_unavailable`,
 * `connection_failed`, `timeout`, `overloaded`.
 */
export interface KeyValue {
  /** `undefined` if the key is not there. */
  get(key: string): Promise<KeyValueEntry | undefined>;
  /** Writes the key whatever it held; returns its new revision. */
  put(key: string, value: unknown, options?: KeyValuePutOptions): Promise<number>;
  /** {@link put} under the name it had in 0.2.7. */
  set(key: string, value: unknown): Promise<number>;
  /** Writes a key that must not be there. @throws NexError `key_exists` */
  create(key: string, value: unknown, options?: KeyValuePutOptions): Promise<number>;
  /** Writes the key if it is still at that revision. @throws NexError `wrong_revision` */
  update(key: string, value: unknown, revision: number): Promise<number>;
  /** Takes the key away; one that is not there is no error. */
  delete(key: string): Promise<void>;
  /** The keys that begin with the prefix, in no order. Default: all. */
  keys(prefix?: string): Promise<string[]>;
}
