import { jetstream, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { pullMessages } from "@nex/host-services/host";
import { NexError } from "@nex/protocol";
import { streamExists } from "../state/stream-exists.ts";

/** Records read at once. */
const BATCH = 256;

/** A server that has records to send and says nothing for so long is gone, ms. */
const READ_TIMEOUT_MS = 10_000;

/** JetStream's codes for a write that expects another last message of its key than there is. */
const WRONG_LAST_SEQUENCE = [10071, 10164];

export interface StoredRecord {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Of the bucket, for a write that must not overwrite another. */
  readonly sequence: number;
}

/** The key-value bucket with the records of a nexus: reads, writes and takes away single keys. */
export class Registry {
  readonly #connection: NatsConnection;
  readonly #bucketName: string;
  #bucket: Promise<KV> | undefined;

  constructor(connection: NatsConnection, nexus: string) {
    this.#connection = connection;
    this.#bucketName = `nex_${nexus}`;
  }

  get #stream(): string {
    return `KV_${this.#bucketName}`;
  }

  /** Makes the bucket if need be. @throws NexError `jetstream_unavailable` */
  async open(): Promise<void> {
    await this.#kv();
  }

  /** @throws NexError `jetstream_unavailable` */
  async get(key: string): Promise<StoredRecord | undefined> {
    const entry = await this.#try("read", async (bucket) => await bucket.get(key));
    return entry === null || entry.operation !== "PUT" ? undefined : storedOf(entry);
  }

  /** @throws NexError `jetstream_unavailable` */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#try("written", async (bucket) => await bucket.put(key, bytes));
  }

  /**
   * Writes only if nobody has since it was read.
   * @param sequence of the record that was read; 0 if there was none
   * @returns false if somebody has
   * @throws NexError `jetstream_unavailable`
   */
  async replace(key: string, bytes: Uint8Array, sequence: number): Promise<boolean> {
    try {
      await this.#try("written", async (bucket) => await bucket.put(key, bytes, { previousSeq: sequence }));
      return true;
    } catch (error) {
      const { cause } = error as NexError;
      if (cause instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.includes(cause.code)) return false;
      throw error;
    }
  }

  /** Leaves nothing of a key, no marker either. @throws NexError `jetstream_unavailable` */
  async remove(key: string): Promise<void> {
    await this.#try("taken away", async () => {
      const manager = await jetstreamManager(this.#connection, { checkAPI: false });
      await manager.streams.purge(this.#stream, { filter: this.#subjectOf(key) });
    });
  }

  /** All records whose key matches, such as `slot.orders.*.*`; none where there is no bucket. @throws NexError `jetstream_unavailable` */
  async list(pattern: string): Promise<Omit<StoredRecord, "sequence">[]> {
    if (!(await streamExists(this.#connection, this.#stream))) return [];
    return await this.#try("listed", async () => {
      const manager = await jetstreamManager(this.#connection, { checkAPI: false });
      const found: Omit<StoredRecord, "sequence">[] = [];
      const messages = pullMessages({
        connection: this.#connection,
        manager,
        stream: this.#stream,
        filter: this.#subjectOf(pattern),
        lastOfSubject: true,
        batch: BATCH,
        timeoutMs: READ_TIMEOUT_MS,
      });
      const prefix = this.#subjectOf("").length;
      for await (const { subject, data, headers } of messages) {
        if (headers?.has("KV-Operation") !== true) found.push({ key: subject.slice(prefix), bytes: data });
      }
      return found;
    });
  }

  #subjectOf(key: string): string {
    return `$KV.${this.#bucketName}.${key}`;
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
    return new NexError(
      "jetstream_unavailable",
      `A record of the bucket ${this.#bucketName} could not be ${what}: ${(cause as Error).message}.`,
      { cause, data: { bucket: this.#bucketName } },
    );
  }

  async #kv(): Promise<KV> {
    this.#bucket ??= new Kvm(jetstream(this.#connection)).create(this.#bucketName, {
      description: "What the nodes of this nexus run",
      history: 1,
    });
    try {
      return await this.#bucket;
    } catch (cause) {
      this.#bucket = undefined;
      throw new NexError(
        "jetstream_unavailable",
        `The bucket ${this.#bucketName}, in which nodes keep what they run, cannot be opened: ${(cause as Error).message}. Nex needs JetStream: start nats-server with -js. With --ephemeral the node keeps nothing.`,
        { cause, data: { bucket: this.#bucketName } },
      );
    }
  }
}

function storedOf({ key, value, revision }: KvEntry): StoredRecord {
  return { key, bytes: value, sequence: revision };
}
