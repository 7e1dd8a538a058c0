import { jetstream, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { pullMessages, sequenceOf } from "@nex/host-services/host";
import { NexError } from "@nex/protocol";
import { streamExists } from "./stream-exists.ts";

/** Records read at once. */
const BATCH = 256;

/** A server that has records to send and says nothing for so long is gone, ms. */
const READ_TIMEOUT_MS = 10_000;

/** JetStream's codes for a write that expects another last message of its key than there is. */
const WRONG_LAST_SEQUENCE = [10071, 10164];

/** JetStream's codes for a limit of the stream, the account or the server's disk that was reached. */
const FULL = [10002, 10023, 10028, 10047, 10077];

export interface BucketOptions {
  readonly name: string;
  readonly description: string;
  /** Servers of a cluster that each keep a copy. */
  readonly replicas: number;
  /** Keys go after so long, ms. Default: never. */
  readonly ttlMs?: number;
}

/** A value, and the place in the stream that it was read from. */
export interface StoredValue {
  readonly key: string;
  /** `undefined` for a key that was taken away. */
  readonly bytes: Uint8Array | undefined;
  readonly sequence: number;
}

/** A key-value bucket of the node's own: single keys, and writes that lose to whoever wrote first. Made anew where it was deleted. */
export class Bucket {
  readonly name: string;
  readonly #connection: NatsConnection;
  readonly #options: BucketOptions;
  #bucket: Promise<KV> | undefined;

  constructor(connection: NatsConnection, options: BucketOptions) {
    this.#connection = connection;
    this.#options = options;
    this.name = options.name;
  }

  get #stream(): string {
    return `KV_${this.name}`;
  }

  /** Makes the bucket if need be. @throws NexError `jetstream_unavailable` */
  async open(): Promise<void> {
    await this.#kv();
  }

  /**
   * As the leader of the stream has it: copies on other servers, which answer direct gets, may be behind.
   * @returns `undefined` where there was never anything
   * @throws NexError `jetstream_unavailable`
   */
  async get(key: string): Promise<StoredValue | undefined> {
    return await this.#try("read", async () => {
      const manager = await this.#manager();
      const found = await manager.streams.getMessage(this.#stream, { last_by_subj: this.#subjectOf(key) });
      if (found === null) return undefined;
      const isMarker = found.header.has("KV-Operation");
      return { key, bytes: isMarker ? undefined : found.data, sequence: found.seq };
    });
  }

  /** @returns its sequence @throws NexError `jetstream_unavailable` */
  async put(key: string, bytes: Uint8Array): Promise<number> {
    return await this.#try("written", async (bucket) => await bucket.put(key, bytes));
  }

  /**
   * Writes only if nobody has since `sequence`, which is 0 for a key that was never there.
   * @returns its new sequence; `undefined` if somebody has
   * @throws NexError `jetstream_unavailable`
   */
  async replace(key: string, bytes: Uint8Array, sequence: number): Promise<number | undefined> {
    return await this.#unlessChanged(
      "written",
      async (bucket) => await bucket.put(key, bytes, { previousSeq: sequence }),
    );
  }

  /**
   * Takes a key away, only if nobody has written it since `sequence`, and leaves no marker.
   * @returns the sequence that this took; `undefined` if somebody has
   * @throws NexError `jetstream_unavailable`
   */
  async remove(key: string, sequence: number): Promise<number | undefined> {
    const marked = await this.#unlessChanged("taken away", async () => {
      const marker = headers();
      marker.set("KV-Operation", "DEL");
      const { seq } = await jetstream(this.#connection).publish(this.#subjectOf(key), new Uint8Array(), {
        headers: marker,
        expect: { lastSubjectSequence: sequence },
      });
      return seq;
    });
    if (marked !== undefined) await this.#purge(key, marked);
    return marked;
  }

  /** Takes a key away whoever wrote it. @throws NexError `jetstream_unavailable` */
  async discard(key: string): Promise<void> {
    await this.#purge(key);
  }

  async #purge(key: string, upTo?: number): Promise<void> {
    await this.#try("taken away", async () => {
      const manager = await this.#manager();
      const filter = this.#subjectOf(key);
      await manager.streams.purge(this.#stream, upTo === undefined ? { filter } : { filter, seq: upTo + 1 });
    });
  }

  /** All values whose key matches one of the patterns, such as `slot.orders.*.*`; none where there is no bucket. @throws NexError `jetstream_unavailable` */
  async list(pattern: string): Promise<StoredValue[]> {
    if (!(await streamExists(this.#connection, this.#stream))) return [];
    return await this.#try("listed", async () => {
      const found: StoredValue[] = [];
      const messages = pullMessages({
        connection: this.#connection,
        manager: await this.#manager(),
        stream: this.#stream,
        filter: this.#subjectOf(pattern),
        lastOfSubject: true,
        batch: BATCH,
        timeoutMs: READ_TIMEOUT_MS,
      });
      const prefix = this.#subjectOf("").length;
      for await (const message of messages) {
        const isMarker = message.headers?.has("KV-Operation") === true;
        const key = message.subject.slice(prefix);
        found.push({ key, bytes: isMarker ? undefined : message.data, sequence: sequenceOf(message) });
      }
      return found;
    });
  }

  /** Of the last write, whatever its key; 0 for an empty bucket or none. @throws NexError `jetstream_unavailable` */
  async lastSequence(): Promise<number> {
    return await this.#try("read", async () => {
      const manager = await this.#manager();
      return (await manager.streams.info(this.#stream)).state.last_seq;
    });
  }

  #subjectOf(key: string): string {
    return `$KV.${this.name}.${key}`;
  }

  async #manager(): Promise<Awaited<ReturnType<typeof jetstreamManager>>> {
    return await jetstreamManager(this.#connection, { checkAPI: false });
  }

  async #unlessChanged(what: string, act: (bucket: KV) => Promise<number>): Promise<number | undefined> {
    try {
      return await this.#try(what, act);
    } catch (error) {
      const { cause } = error as NexError;
      if (cause instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.includes(cause.code)) return undefined;
      throw error;
    }
  }

  /** Once more with a new bucket, where this one has been deleted. */
  async #try<T>(what: string, act: (bucket: KV) => Promise<T>): Promise<T> {
    try {
      return await act(await this.#kv());
    } catch (error) {
      if (error instanceof NexError) throw error;
      if (await streamExists(this.#connection, this.#stream)) throw this.#failed(what, error);
    }
    this.#bucket = undefined;
    try {
      return await act(await this.#kv());
    } catch (error) {
      throw error instanceof NexError ? error : this.#failed(what, error);
    }
  }

  #failed(what: string, cause: unknown): NexError {
    const isFull = cause instanceof JetStreamApiError && FULL.includes(cause.code);
    const remedy = isFull
      ? " It is full: give JetStream more room (max_file_store of nats-server, the account's limits, or the disk). What runs goes on."
      : "";
    return new NexError(
      "jetstream_unavailable",
      `A record of the bucket ${this.name} could not be ${what}: ${(cause as Error).message}.${remedy}`,
      { cause, data: { bucket: this.name } },
    );
  }

  async #kv(): Promise<KV> {
    this.#bucket ??= this.#make();
    try {
      return await this.#bucket;
    } catch (cause) {
      this.#bucket = undefined;
      if (cause instanceof NexError) throw cause;
      throw new NexError(
        "jetstream_unavailable",
        `The bucket ${this.name} (${this.#options.description}) cannot be opened: ${(cause as Error).message}. Nex needs JetStream: start nats-server with -js.`,
        { cause, data: { bucket: this.name } },
      );
    }
  }

  async #make(): Promise<KV> {
    const { name, description, replicas, ttlMs } = this.#options;
    const bucket = await new Kvm(jetstream(this.#connection)).create(name, {
      description,
      history: 1,
      replicas,
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
    });
    await this.#checkForm();
    return bucket;
  }

  /** A bucket that was there already may be somebody else's, or have fewer copies than are wanted now. */
  async #checkForm(): Promise<void> {
    const manager = await this.#manager();
    const { config } = await manager.streams.info(this.#stream);
    const { ttlMs = 0, replicas } = this.#options;
    const subject = this.#subjectOf(">");
    const wrong =
      config.subjects?.includes(subject) !== true
        ? `its stream does not store ${subject}`
        : config.max_age !== ttlMs * 1_000_000
          ? `its values go after ${config.max_age / 1_000_000_000} s (TTL)`
          : undefined;
    if (wrong !== undefined) {
      throw new NexError(
        "jetstream_unavailable",
        `The bucket ${this.name} was not made by Nex: ${wrong}. Rename or delete it (nats kv del ${this.name}), or give the nexus another name.`,
        { data: { bucket: this.name } },
      );
    }
    if (config.num_replicas < replicas) await manager.streams.update(this.#stream, { num_replicas: replicas });
  }
}
