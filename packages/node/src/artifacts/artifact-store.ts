import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { Objm, type ObjectInfo, type ObjectStore } from "@nats-io/obj";
import { jetstream, JetStreamApiError, jetstreamManager, type JetStreamOptions } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  ARTIFACT_BUCKET,
  ARTIFACT_BUCKET_DESCRIPTION,
  DEFAULT_ARTIFACT_QUOTA,
  formatSize,
  NexError,
} from "@nex/protocol";
import { streamExists } from "../jetstream/stream-exists.ts";
import { readObject } from "./read-object.ts";

/** Where an artifact lies in JetStream. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly name: string;
  /** JetStream domain; empty or absent for none. */
  readonly domain?: string;
}

export interface ArtifactStoreOptions {
  /** Bytes all artifacts together may take. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Bytes one artifact may have. Default 256 MiB. */
  readonly maxArtifactBytes?: number;
  /** An object of which nothing comes for this long is given up on, ms. Default 10,000. */
  readonly chunkTimeoutMs?: number;
  /** Servers of a cluster that each keep a copy. Default 1. */
  readonly replicas?: number;
}

const STREAM = `OBJ_${ARTIFACT_BUCKET}`;
const DEFAULT_MAX_ARTIFACT_BYTES = 256 * 2 ** 20;
const DEFAULT_CHUNK_TIMEOUT_MS = 10_000;

/** The artifacts of a nexus in JetStream, by content. */
export class ArtifactStore {
  readonly maxArtifactBytes: number;
  readonly #connection: NatsConnection;
  readonly #maxBytes: number;
  readonly #chunkTimeoutMs: number;
  readonly #replicas: number;
  #bucket: Promise<ObjectStore> | undefined;

  constructor(connection: NatsConnection, options: ArtifactStoreOptions = {}) {
    this.#connection = connection;
    this.#maxBytes = options.maxBytes ?? DEFAULT_ARTIFACT_QUOTA;
    this.maxArtifactBytes = options.maxArtifactBytes ?? DEFAULT_MAX_ARTIFACT_BYTES;
    this.#chunkTimeoutMs = options.chunkTimeoutMs ?? DEFAULT_CHUNK_TIMEOUT_MS;
    this.#replicas = options.replicas ?? 1;
  }

  /** Makes the bucket if it is not there. @throws NexError `jetstream_unavailable` */
  async open(): Promise<ObjectStore> {
    this.#bucket ??= this.#create();
    try {
      return await this.#bucket;
    } catch (error) {
      this.#bucket = undefined;
      throw error;
    }
  }

  /**
   * Reads an object of any bucket, but follows no links: they lead to buckets nobody allowed.
   * @throws NexError `artifact_missing`, `too_large`, `not_allowed`, also while it is read; `artifact_corrupt` then
   */
  async *read({ bucket, name, domain }: ObjectPlace, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const jetStream = domain === undefined || domain === "" ? {} : { domain };
    const find = async (store: ObjectStore): Promise<ObjectInfo | null> => await store.info(name);
    const info =
      bucket === ARTIFACT_BUCKET ? await this.#onBucket(find) : await find(await this.#foreign(bucket, jetStream));
    // JetStream goes on telling about objects that were deleted.
    if (info === null || info.deleted) {
      throw new NexError(
        "artifact_missing",
        `There is no object "${name}" in the object store "${bucket}". Upload the artifact first.`,
        { data: { bucket, name } },
      );
    }
    if (info.options?.link !== undefined) throw linkRefused(bucket, name);
    this.#checkSize(info.size);
    const timeoutMs = this.#chunkTimeoutMs;
    let size = 0;
    for await (const chunk of readObject(this.#connection, info, { jetStream, timeoutMs, signal })) {
      // What the object says of its size is its writer's word.
      size += chunk.length;
      this.#checkSize(size);
      yield chunk;
    }
  }

  /** Stores a file under its hash unless it is there already. @throws NexError `artifact_quota` */
  async keep(sha256: string, path: string): Promise<void> {
    await this.#onBucket(async (store) => {
      const known = await store.info(sha256);
      if (known !== null && !known.deleted) return;
      try {
        await store.put({ name: sha256 }, Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>);
      } catch (cause) {
        throw quotaError(cause, this.#maxBytes);
      }
    });
  }

  /** Removes the artifacts that this node does not need. Other nodes put back what they still do: see {@link keep}. */
  async collect(needed: ReadonlySet<string>, olderThanMs: number): Promise<number> {
    return await this.#onBucket(async (store) => {
      await store.status();
      const before = Date.now() - olderThanMs;
      let removed = 0;
      for await (const info of this.#list()) {
        if (info.deleted === true || needed.has(info.name) || Date.parse(info.mtime) > before) continue;
        await store.delete(info.name);
        removed++;
      }
      return removed;
    });
  }

  /** One after the other: the list of nats.js leaves a consumer to the server for five minutes. */
  async *#list(): AsyncGenerator<Pick<ObjectInfo, "name" | "mtime"> & { readonly deleted?: boolean }, void> {
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    const subject = `$O.${ARTIFACT_BUCKET}.M.>`;
    // What is removed says so in a new message at the end, which is not for this round.
    const { state } = await manager.streams.info(STREAM);
    for (let sequence = 1; sequence <= state.last_seq;) {
      const next = { seq: sequence, next_by_subj: subject };
      const message = await manager.streams.getMessage(STREAM, next);
      if (message === null) return;
      yield message.json();
      sequence = message.seq + 1;
    }
  }

  /** Works on the bucket, and once more on a new one if it turns out that it was deleted or lost. */
  async #onBucket<T>(work: (store: ObjectStore) => Promise<T>): Promise<T> {
    const store = await this.open();
    try {
      return await work(store);
    } catch (error) {
      if (await streamExists(this.#connection, STREAM)) throw error;
      this.#bucket = undefined;
      return await work(await this.open());
    }
  }

  #checkSize(size: number): void {
    if (size <= this.maxArtifactBytes) return;
    throw new NexError(
      "too_large",
      `The artifact has ${formatSize(size)} or more; this node takes at most ${formatSize(this.maxArtifactBytes)}.`,
      { data: { size, max_artifact_bytes: this.maxArtifactBytes } },
    );
  }

  async #create(): Promise<ObjectStore> {
    try {
      return await new Objm(jetstream(this.#connection)).create(ARTIFACT_BUCKET, {
        description: ARTIFACT_BUCKET_DESCRIPTION,
        max_bytes: this.#maxBytes,
        replicas: this.#replicas,
      });
    } catch (cause) {
      throw new NexError(
        "jetstream_unavailable",
        `The artifact store cannot be opened: ${(cause as Error).message}. Nex needs JetStream: start nats-server with -js, or enable it for the account.`,
        { cause },
      );
    }
  }

  async #foreign(bucket: string, options: JetStreamOptions): Promise<ObjectStore> {
    try {
      return await new Objm(jetstream(this.#connection, options)).open(bucket);
    } catch (cause) {
      throw new NexError(
        "artifact_missing",
        `The object store "${bucket}" cannot be opened: ${(cause as Error).message}`,
        { cause, data: { bucket } },
      );
    }
  }
}

function linkRefused(bucket: string, name: string): NexError {
  return new NexError(
    "not_allowed",
    `The object "${name}" in "${bucket}" is a link to another object. This node reads artifacts only where they lie: upload the artifact itself.`,
    { data: { bucket, name } },
  );
}

/** JetStream's code for a stream that has reached its limit. */
const MAXIMUM_BYTES_EXCEEDED = 10077;

/** What a failed upload means. */
export function quotaError(cause: unknown, maxBytes?: number): NexError {
  if (
    cause instanceof JetStreamApiError &&
    (cause.code === MAXIMUM_BYTES_EXCEEDED || /maximum bytes|insufficient/i.test(cause.message))
  ) {
    const limit = maxBytes === undefined ? "" : ` (${formatSize(maxBytes)})`;
    return new NexError(
      "artifact_quota",
      `The artifact store is full${limit}. Stop workloads that are no longer needed, or raise artifacts.max_bytes.`,
      { cause },
    );
  }
  return new NexError("internal", `The artifact could not be stored: ${(cause as Error).message}`, { cause });
}
