import { createHash } from "node:crypto";
import { jetstream, type JetStreamOptions, jetstreamManager } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { pullMessages } from "@nex/host-services/host";
import { NexError } from "@nex/protocol";

/** What an object store says of an object, as far as it takes to read it. */
export interface ObjectParts {
  readonly bucket: string;
  readonly nuid: string;
  readonly chunks: number;
  readonly digest: string;
  readonly options?: { readonly max_chunk_size?: number };
}

export interface ReadObjectOptions {
  readonly jetStream: JetStreamOptions;
  /** An object of which nothing comes for this long is given up on, ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Asked for at once, bytes: enough to keep a long way to the server full. */
const BATCH_BYTES = 4 * 2 ** 20;
const USUAL_CHUNK_BYTES = 128 * 1024;
const MAX_BATCH = 64;

const DIGEST = /^sha-256=/i;

/**
 * The chunks of an object.
 * @throws NexError `artifact_missing` where some are gone, `artifact_corrupt` if they are not the bytes that were put;
 * what `signal` was aborted with
 */
export async function* readObject(
  connection: NatsConnection,
  { bucket, nuid, chunks, digest, options }: ObjectParts,
  { jetStream, timeoutMs, signal }: ReadObjectOptions,
): AsyncGenerator<Uint8Array, void> {
  const hash = createHash("sha256");
  let read = 0;
  if (chunks > 0) {
    const messages = pullMessages({
      connection,
      manager: await jetstreamManager(connection, { ...jetStream, checkAPI: false }),
      apiPrefix: jetstream(connection, jetStream).apiPrefix,
      stream: `OBJ_${bucket}`,
      filter: `$O.${bucket}.C.${nuid}`,
      batch: Math.min(MAX_BATCH, Math.ceil(BATCH_BYTES / (options?.max_chunk_size ?? USUAL_CHUNK_BYTES))),
      timeoutMs,
      signal,
    });
    try {
      for await (const { data } of messages) {
        read++;
        hash.update(data);
        yield data;
      }
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof errors.TimeoutError) throw incomplete(`nothing of it came for ${timeoutMs} ms`, cause);
      throw corrupt((cause as Error).message, cause);
    }
    if (read < chunks) throw incomplete(`it has ${read} of ${chunks} parts`);
  }
  const found = hash.digest("base64url");
  // Padded or not: clients differ.
  if (!DIGEST.test(digest) || digest.replace(DIGEST, "").replace(/=+$/, "") !== found)
    throw corrupt(`its digest is SHA-256=${found} instead of ${digest}`);
}

function incomplete(why: string, cause?: unknown): NexError {
  return new NexError("artifact_missing", `The artifact cannot be read: ${why}. Upload it again.`, { cause });
}

/** NATS keeps a digest of its own with each object. */
function corrupt(why: string, cause?: unknown): NexError {
  return new NexError("artifact_corrupt", `The artifact could not be read: ${why}. Upload it again.`, { cause });
}
