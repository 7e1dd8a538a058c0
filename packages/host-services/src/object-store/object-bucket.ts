import { createHash } from "node:crypto";
import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import { headers as newHeaders, nuid } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import type { OpenBucket } from "../host/bucket.ts";
import { isWrongLastSequence } from "../host/nats-errors.ts";
import { chunksOf } from "./chunks.ts";

/** As NATS's own clients write it (ADR-20), so that all of them read it. */
const CHUNK_BYTES = 128 * 1024;

/** Chunks on their way to the server: enough that it never waits for us. */
const CHUNKS_IN_FLIGHT = 4;

/** What a store says of an object; the form of NATS's object stores. */
export interface StoredInfo {
  readonly name: string;
  readonly description?: string;
  readonly bucket: string;
  readonly nuid: string;
  readonly size: number;
  readonly chunks: number;
  readonly digest: string;
  readonly mtime: string;
  readonly deleted?: boolean;
  readonly options?: { readonly max_chunk_size?: number; readonly link?: unknown };
}

interface Found {
  readonly info: StoredInfo;
  readonly sequence: number;
}

/**
 * A NATS object store, read and written a chunk at a time. nats.js reads objects into memory as fast as the server
 * sends, whoever takes them; here the next chunk is asked for when the one before has gone.
 */
export class ObjectBucket {
  readonly bucket: OpenBucket;
  readonly #jetStream: JetStreamClient;

  constructor(bucket: OpenBucket) {
    this.bucket = bucket;
    this.#jetStream = jetstream(bucket.connection);
  }

  async info(name: string): Promise<StoredInfo | undefined> {
    const found = await this.#find(name);
    return found === undefined || found.info.deleted === true ? undefined : found.info;
  }

  async put(name: string, description: string, body: AsyncIterable<Uint8Array>): Promise<StoredInfo> {
    const id = nuid.next();
    const subject = this.#chunkSubject(id);
    try {
      const written = await this.#writeChunks(subject, body);
      const info: StoredInfo = {
        name,
        ...(description === "" ? {} : { description }),
        options: { max_chunk_size: CHUNK_BYTES },
        bucket: this.bucket.name,
        nuid: id,
        ...written,
        mtime: new Date().toISOString(),
        deleted: false,
      };
      const replaced = await this.#publishInfo(name, () => info);
      if (replaced !== undefined) await this.#purgeQuietly(this.#chunkSubject(replaced.nuid));
      return info;
    } catch (error) {
      await this.#purgeQuietly(subject);
      throw error;
    }
  }

  /** The object's bytes. @throws NexError `object_corrupt` at the end, if they are not what was put */
  async *read(info: StoredInfo): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash("sha256");
    const subject = this.#chunkSubject(info.nuid);
    let size = 0;
    let next = info.chunks === 0 ? undefined : this.#message({ seq: 1, next_by_subj: subject });
    for (let chunk = 1; next !== undefined; chunk++) {
      const message = await next;
      if (message === undefined) break;
      // Asked for while this one is on its way to the guest.
      next = chunk < info.chunks ? this.#message({ seq: message.sequence + 1, next_by_subj: subject }) : undefined;
      next?.catch(() => undefined);
      size += message.data.length;
      hash.update(message.data);
      yield message.data;
    }
    const digest = `SHA-256=${base64url(hash.digest())}`;
    if (size === info.size && digest === info.digest.replace(/^sha-256=/i, "SHA-256=")) return;
    throw new NexError(
      "object_corrupt",
      `The object "${info.name}" has ${size} bytes with ${digest} instead of ${info.size} with ${info.digest}: it is damaged, or was replaced while it was read.`,
      { data: { name: info.name } },
    );
  }

  /** True if it was there. */
  async delete(name: string): Promise<boolean> {
    if ((await this.info(name)) === undefined) return false;
    const before = await this.#publishInfo(name, (found) =>
      found === undefined ? undefined : { ...found, size: 0, chunks: 0, digest: "", deleted: true },
    );
    if (before !== undefined) await this.#purgeQuietly(this.#chunkSubject(before.nuid));
    return before !== undefined && before.deleted !== true;
  }

  async *list(): AsyncGenerator<StoredInfo, void, undefined> {
    const subject = `$O.${this.bucket.name}.M.>`;
    for (let sequence = 1; ;) {
      const message = await this.#message({ seq: sequence, next_by_subj: subject });
      if (message === undefined) return;
      const info = readInfo(message.data);
      if (info.deleted !== true) yield info;
      sequence = message.sequence + 1;
    }
  }

  async #writeChunks(
    subject: string,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Pick<StoredInfo, "size" | "chunks" | "digest">> {
    const hash = createHash("sha256");
    const underWay: Promise<unknown>[] = [];
    let size = 0;
    let chunks = 0;
    try {
      for await (const chunk of chunksOf(body, CHUNK_BYTES)) {
        if (underWay.length >= CHUNKS_IN_FLIGHT) await underWay.shift();
        hash.update(chunk);
        size += chunk.length;
        chunks++;
        const published = this.#jetStream.publish(subject, chunk);
        published.catch(() => undefined);
        underWay.push(published);
      }
      await Promise.all(underWay);
    } catch (error) {
      await Promise.allSettled(underWay);
      throw error;
    }
    return { size, chunks, digest: `SHA-256=${base64url(hash.digest())}` };
  }

  /** Puts an info in place of the one that is there; returns that one. Whoever comes between is noticed. */
  async #publishInfo(
    name: string,
    make: (found: StoredInfo | undefined) => StoredInfo | undefined,
  ): Promise<StoredInfo | undefined> {
    for (;;) {
      const found = await this.#find(name);
      const info = make(found?.info);
      if (info === undefined) return undefined;
      const headers = newHeaders();
      headers.set("Nats-Rollup", "sub");
      headers.set("Nats-Expected-Last-Subject-Sequence", String(found?.sequence ?? 0));
      try {
        await this.#jetStream.publish(this.#infoSubject(name), JSON.stringify(info), { headers });
        return found?.info;
      } catch (error) {
        if (!isWrongLastSequence(error)) throw error;
      }
    }
  }

  async #find(name: string): Promise<Found | undefined> {
    const message = await this.#message({ last_by_subj: this.#infoSubject(name) });
    return message === undefined ? undefined : { info: readInfo(message.data), sequence: message.sequence };
  }

  async #message(
    query: { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj: string },
  ): Promise<{ readonly data: Uint8Array; readonly sequence: number } | undefined> {
    const { manager, stream, isDirect } = this.bucket;
    const message = isDirect
      ? await manager.direct.getMessage(stream, query)
      : await manager.streams.getMessage(stream, query);
    return message === null ? undefined : { data: message.data, sequence: message.seq };
  }

  /** What is left behind costs room, but what was asked for has happened. */
  async #purgeQuietly(subject: string): Promise<void> {
    await this.bucket.manager.streams.purge(this.bucket.stream, { filter: subject }).catch(() => undefined);
  }

  #chunkSubject(id: string): string {
    return `$O.${this.bucket.name}.C.${id}`;
  }

  #infoSubject(name: string): string {
    return `$O.${this.bucket.name}.M.${base64url(Buffer.from(name))}`;
  }
}

/** With padding, as NATS's object stores have it. */
function base64url(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

function readInfo(data: Uint8Array): StoredInfo {
  return JSON.parse(Buffer.from(data).toString("utf8")) as StoredInfo;
}
