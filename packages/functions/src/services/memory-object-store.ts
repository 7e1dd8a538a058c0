import { createHash } from "node:crypto";
import { NexError } from "@nex/protocol";
import { encodePayload } from "../reply.ts";
import type { ObjectBody, ObjectInfo, ObjectPutOptions, ObjectStore, StoredObject } from "./object-store.ts";
import { ReadableObject } from "./readable-object.ts";

/** An object store in memory, with the rules of a node's: for tests of functions. */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects: Map<string, { readonly info: ObjectInfo; readonly bytes: Uint8Array }> = new Map();

  async get(name: string): Promise<StoredObject | undefined> {
    const found = this.#objects.get(name);
    if (found === undefined) return undefined;
    return new ReadableObject(
      found.info,
      (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield Uint8Array.from(found.bytes);
      })(),
    );
  }

  async put(name: string, body: ObjectBody, options: ObjectPutOptions = {}): Promise<ObjectInfo> {
    const size = Buffer.byteLength(name);
    if (size < 1 || size > 1024) throw new NexError("invalid_key", "An object's name has 1 to 1024 bytes of UTF-8.");
    const bytes = await collect(body);
    const digest = createHash("sha256").update(bytes).digest("base64").replaceAll("+", "-").replaceAll("/", "_");
    const info = { name, ...options, size: bytes.length, digest: `SHA-256=${digest}`, modified: new Date() };
    this.#objects.set(name, { info, bytes });
    return info;
  }

  async delete(name: string): Promise<boolean> {
    return this.#objects.delete(name);
  }

  async list(): Promise<ObjectInfo[]> {
    return [...this.#objects.values()].map(({ info }) => info);
  }

  async info(name: string): Promise<ObjectInfo | undefined> {
    return this.#objects.get(name)?.info;
  }
}

async function collect(body: ObjectBody): Promise<Uint8Array> {
  if (typeof body !== "object" || body === null || !(Symbol.asyncIterator in body))
    return Uint8Array.from(encodePayload(body));
  const chunks: Uint8Array[] = [];
  for await (const piece of body as AsyncIterable<unknown>) chunks.push(encodePayload(piece));
  return Buffer.concat(chunks);
}
