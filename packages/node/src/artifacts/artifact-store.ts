import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { Objm, type ObjectStore } from "@nats-io/obj";
import { jetstream, JetStreamApiError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  ARTIFACT_BUCKET,
  ARTIFACT_BUCKET_DESCRIPTION,
  DEFAULT_ARTIFACT_QUOTA,
  formatSize,
  NexError,
} from "@nex/protocol";
import { streamExists } from "../state/stream-exists.ts";
import { readChunks } from "./read-chunks.ts";

/** Where an artifact lies in JetStream. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly name: string;
  /** JetStream domain; empty or absent for none. */
  readonly domain?: string;
}

interface Found {
  readonly store: ObjectStore;
  readonly info: Awaited<ReturnType<ObjectStore["info"]>>;
}

export interface ArtifactStoreOptions {
  /** Bytes all artifacts together may take. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Bytes one artifact may have. Default 256 MiB. */
  readonly maxArtifactBytes?: number;
  /** An object of which nothing comes for this long is given up on, ms. Default 10,000. */
  readonly chunkTimeoutMs?: number;
}

const DEFAULT_MAX_ARTIFACT_BYTES = 256 * 2 ** 20;
const DEFAULT_CHUNK_TIMEOUT_MS = 10_000;

/** The artifacts of a nexus in JetStream, by content. */
export class ArtifactStore {
  readonly maxArtifactBytes: number;
  readonly #connection: NatsConnection;
  readonly #maxBytes: number;
  readonly #chunkTimeoutMs: number;
  #bucket: Promise<ObjectStore> | undefined;

  constructor(connection: NatsConnection, options: ArtifactStoreOptions = {}) {
    this.#connection = connection;
    this.#maxBytes = options.maxBytes ?? DEFAULT_ARTIFACT_QUOTA;
    this.maxArtifactBytes = options.maxArtifactBytes ?? DEFAULT_MAX_ARTIFACT_BYTES;
    this.#chunkTimeoutMs = options.chunkTimeoutMs ?? DEFAULT_CHUNK_TIMEOUT_MS;
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
    const find = async (store: ObjectStore): Promise<Found> => ({ store, info: await store.info(name) });
    const { store, info } =
      bucket === ARTIFACT_BUCKET ? await this.#onBucket(find) : await find(await this.#foreign(bucket, domain));
    if (info === null) {
      throw new NexError(
        "artifact_missing",
        `There is no object "${name}" in the object store "${bucket}". Upload the artifact first.`,
        { data: { bucket, name } },
      );
    }
    if (info.options?.link !== undefined) throw linkRefused(bucket, name);
    this.#checkSize(info.size);
    const found = await store.get(name);
    if (found === null)
      throw new NexError("artifact_missing", `The object "${name}" disappeared from "${bucket}" while it was read.`);
    // It says the same as the data's own error, and nobody else looks at it.
    found.error.catch(() => undefined);
    // It may have become a link since the first look.
    if (found.info.bucket !== bucket || found.info.name !== name) {
      await found.data.cancel();
      throw linkRefused(bucket, name);
    }
    let size = 0;
    for await (const chunk of readChunks(found.data, this.#chunkTimeoutMs, signal)) {
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
      // JetStream goes on telling about objects that were deleted.
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
    const store = await this.#onBucket(async (ours) => {
      await ours.status();
      return ours;
    });
    const before = Date.now() - olderThanMs;
    let removed = 0;
    for (const info of await store.list()) {
      if (needed.has(info.name) || Date.parse(info.mtime) > before) continue;
      await store.delete(info.name);
      removed++;
    }
    return removed;
  }

  /** Works on the bucket, and once more on a new one if it turns out that it was deleted or lost. */
  async #onBucket<T>(work: (store: ObjectStore) => Promise<T>): Promise<T> {
    const store = await this.open();
    try {
      return await work(store);
    } catch (error) {
      if (await streamExists(this.#connection, `OBJ_${ARTIFACT_BUCKET}`)) throw error;
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
      });
    } catch (cause) {
      throw new NexError(
        "jetstream_unavailable",
        `The artifact store cannot be opened: ${(cause as Error).message}. Nex needs JetStream: start nats-server with -js, or enable it for the account.`,
        { cause },
      );
    }
  }

  async #foreign(bucket: string, domain?: string): Promise<ObjectStore> {
    try {
      const js = jetstream(this.#connection, domain === undefined || domain === "" ? {} : { domain });
      return await new Objm(js).open(bucket);
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
