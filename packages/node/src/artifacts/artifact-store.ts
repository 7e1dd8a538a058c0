import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { Objm, type ObjectStore } from "@nats-io/obj";
import { jetstream, JetStreamApiError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { formatSize, NexError } from "@nex/protocol";

/** Object store of all artifacts of a nexus; the objects' names are their SHA-256. */
export const ARTIFACT_BUCKET = "nex_artifacts";

export interface ArtifactStoreOptions {
  /** Bytes all artifacts together may take. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Bytes one artifact may have. Default 256 MiB. */
  readonly maxArtifactBytes?: number;
}

const DEFAULT_MAX_BYTES = 2 ** 30;
const DEFAULT_MAX_ARTIFACT_BYTES = 256 * 2 ** 20;

/** The artifacts of a nexus in JetStream, by content. */
export class ArtifactStore {
  readonly maxArtifactBytes: number;
  readonly #connection: NatsConnection;
  readonly #maxBytes: number;
  #bucket: Promise<ObjectStore> | undefined;

  constructor(connection: NatsConnection, options: ArtifactStoreOptions = {}) {
    this.#connection = connection;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.maxArtifactBytes = options.maxArtifactBytes ?? DEFAULT_MAX_ARTIFACT_BYTES;
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
   * Reads an object of any bucket.
   * @throws NexError `artifact_missing`, `too_large`
   */
  async read(
    bucket: string,
    name: string,
    domain?: string,
  ): Promise<{ readonly size: number; readonly data: ReadableStream<Uint8Array> }> {
    const store = bucket === ARTIFACT_BUCKET ? await this.open() : await this.#foreign(bucket, domain);
    const info = await store.info(name);
    if (info === null)
      throw new NexError(
        "artifact_missing",
        `There is no object "${name}" in the object store "${bucket}". Upload the artifact first.`,
        { data: { bucket, name } },
      );
    if (info.size > this.maxArtifactBytes) {
      throw new NexError(
        "too_large",
        `The artifact has ${formatSize(info.size)}; this node takes at most ${formatSize(this.maxArtifactBytes)}.`,
        { data: { size: info.size } },
      );
    }
    const found = await store.get(name);
    if (found === null)
      throw new NexError("artifact_missing", `The object "${name}" disappeared from "${bucket}" while it was read.`);
    return { size: info.size, data: found.data };
  }

  /** Stores a file under its hash unless it is there already. @throws NexError `artifact_quota` */
  async keep(sha256: string, path: string): Promise<void> {
    const store = await this.open();
    if ((await store.info(sha256)) !== null) return;
    try {
      await store.put({ name: sha256 }, Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>);
    } catch (cause) {
      throw quotaError(cause, this.#maxBytes);
    }
  }

  /** Removes the artifacts that nobody needs. */
  async collect(needed: ReadonlySet<string>, olderThanMs: number): Promise<number> {
    const store = await this.open();
    const before = Date.now() - olderThanMs;
    let removed = 0;
    for (const info of await store.list()) {
      if (needed.has(info.name) || Date.parse(info.mtime) > before) continue;
      // oxlint-disable-next-line no-await-in-loop -- a clean-up has time, the server has better things to do
      await store.delete(info.name);
      removed++;
    }
    return removed;
  }

  async #create(): Promise<ObjectStore> {
    try {
      return await new Objm(jetstream(this.#connection)).create(ARTIFACT_BUCKET, {
        description: "Artifacts of Nex workloads, by SHA-256",
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

/** Lower-case hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
