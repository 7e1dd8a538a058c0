import { open, stat } from "node:fs/promises";
import { NexError } from "@nex/protocol";

/** What can be deployed: bytes, a file by its path, or a `Blob`. */
export type Artifact = Uint8Array | Blob | { readonly path: string };

/** Bytes that can be read more than once, a piece at a time. */
export interface ArtifactSource {
  readonly size: number;
  /** What it is called in messages. */
  readonly label: string;
  chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/** As large as the pieces an object store is written in, so that none is put together from two. */
const CHUNK_BYTES = 128 * 1024;

/** @throws NexError `file_not_found` */
export async function openArtifact(artifact: Artifact): Promise<ArtifactSource> {
  if (artifact instanceof Uint8Array) return fromBytes(artifact);
  if (artifact instanceof Blob)
    return { size: artifact.size, label: "the artifact", chunks: () => chunksOfBlob(artifact) };
  return await fromFile(artifact.path);
}

function fromBytes(bytes: Uint8Array): ArtifactSource {
  return {
    size: bytes.length,
    label: "the artifact",
    async *chunks() {
      for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
        yield new Uint8Array(bytes.subarray(offset, offset + CHUNK_BYTES));
      }
    },
  };
}

async function* chunksOfBlob(blob: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let offset = 0; offset < blob.size; offset += CHUNK_BYTES) {
    yield new Uint8Array(await blob.slice(offset, offset + CHUNK_BYTES).arrayBuffer());
  }
}

async function fromFile(path: string): Promise<ArtifactSource> {
  try {
    const found = await stat(path);
    if (found.isFile()) return { size: found.size, label: path, chunks: () => chunksOfFile(path) };
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw new NexError("file_not_found", `${path} is not a file.`, { data: { path } });
}

async function* chunksOfFile(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  await using file = await open(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  for (;;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function unreadable(path: string, cause: unknown): NexError {
  return new NexError("file_not_found", `${path} cannot be read: ${(cause as Error).message}.`, {
    data: { path },
    cause,
  });
}
