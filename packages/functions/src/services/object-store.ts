/** What a store says of an object. */
export interface ObjectInfo {
  readonly name: string;
  readonly description?: string;
  /** Bytes. */
  readonly size: number;
  /** `SHA-256=` and the hash in base64url. */
  readonly digest: string;
  readonly modified: Date;
}

/** An object as it comes. Its bytes can be read once: whole, or piece by piece. Read them or break off: until then the call is open. */
export interface StoredObject extends AsyncIterable<Uint8Array> {
  readonly info: ObjectInfo;
  /** @throws NexError `object_corrupt` if they do not have the digest that was recorded */
  bytes(): Promise<Uint8Array>;
  /** The object read as UTF-8. */
  text(): Promise<string>;
  /** The object read as JSON. @throws NexError `invalid_request` if it is not JSON */
  json<T = unknown>(): Promise<T>;
}

/** Bytes and strings as they are, an async iterable piece by piece, anything else as JSON. */
export type ObjectBody = unknown;

export interface ObjectPutOptions {
  readonly description?: string;
}

/**
 * The workload's own object store; made on first use. Objects may be far larger than memory: they move in pieces.
 *
 * Every method may throw NexError `invalid_key`, `service_disabled`, `bucket_full`, `bucket_missing`, `bucket_taken`,
 * `jetstream_unavailable`, `connection_failed`, `timeout`, `overloaded`.
 */
export interface ObjectStore {
  /** `undefined` if there is none of that name. */
  get(name: string): Promise<StoredObject | undefined>;
  /** Stores the object in place of the one that is there. */
  put(name: string, body: ObjectBody, options?: ObjectPutOptions): Promise<ObjectInfo>;
  /** True if it was there. */
  delete(name: string): Promise<boolean>;
  list(): Promise<ObjectInfo[]>;
  /** `undefined` if there is none of that name. */
  info(name: string): Promise<ObjectInfo | undefined>;
}
