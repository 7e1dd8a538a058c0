import { createHash } from "node:crypto";
import type { ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { ARTIFACT_BUCKET, NexError } from "@nex/protocol";
import { natsError } from "../requests/nats-errors.ts";
import { openArtifactBucket } from "./artifact-bucket.ts";
import type { ArtifactSource } from "./artifact-source.ts";

/** Bytes done so far. */
export type ByteProgress = (done: number) => void;

/** SHA-256 of an artifact, lower-case hex. */
export async function hashArtifact(
  source: ArtifactSource,
  progress: ByteProgress,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of watched(source, progress, signal)) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * Puts an artifact into the store under its hash, unless it is there already. A file is read a piece at a time.
 *
 * @throws NexError `artifact_quota`, `artifact_corrupt` if the artifact is changed meanwhile,
 *   `jetstream_unavailable`, `not_allowed`, `cancelled`
 */
export async function uploadArtifact(
  connection: NatsConnection,
  source: ArtifactSource,
  sha256: string,
  progress: ByteProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const store = await openArtifactBucket(connection);
  try {
    if (await isStored(store, sha256)) progress(source.size);
    else await put(store, source, sha256, progress, signal);
  } catch (error) {
    // The store of the library throws what reading threw, and in it, what aborted it.
    throw natsError(error, `$O.${ARTIFACT_BUCKET}.>`);
  }
}

/** Anybody who may write to the store can put other bytes under this name. */
async function isStored(store: ObjectStore, sha256: string): Promise<boolean> {
  const info = await store.info(sha256);
  return info !== null && !info.deleted && hexDigest(info.digest) === sha256;
}

async function put(
  store: ObjectStore,
  source: ArtifactSource,
  sha256: string,
  progress: ByteProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const chunks = watched(source, progress, signal);
  try {
    const { digest } = await store.put({ name: sha256 }, ReadableStream.from(chunks));
    if (hexDigest(digest) === sha256) return;
  } finally {
    // A store that fails leaves its reader where it is, with the file open.
    await chunks.return(undefined);
  }
  await store.delete(sha256);
  throw new NexError("artifact_corrupt", `${source.label} was changed while it was uploaded. Deploy it again.`, {
    data: { sha256 },
  });
}

async function* watched(
  source: ArtifactSource,
  progress: ByteProgress,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let done = 0;
  for await (const chunk of source.chunks()) {
    if (signal?.aborted === true)
      throw new NexError("cancelled", "The upload was cancelled.", { cause: signal.reason });
    yield chunk;
    done += chunk.length;
    progress(done);
  }
}

/** Object stores write `SHA-256=` and base64url. */
function hexDigest(digest: string): string {
  return Buffer.from(digest.slice(digest.indexOf("=") + 1), "base64url").toString("hex");
}
