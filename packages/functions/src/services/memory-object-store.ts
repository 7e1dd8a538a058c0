import { createHash } from "node:crypto";
import type { ObjectBody, ObjectInfo, ObjectPutOptions, ObjectStore, StoredObject } from "./object-store.ts";
import { objectNameOf } from "./arguments.ts";
import { objectBody } from "./object-body.ts";
import { ReadableObject } from "./readable-object.ts";
import { serviceError } from "./service-error.ts";

/** An object store in memory, with the rules of a node's: for tests of functions. */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects: Map<string, { readonly info: ObjectInfo; readonly bytes: Uint8Array }> = new Map();

  async get(name: string): Promise<StoredObject | undefined> {
    checkName(name);
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
    checkName(name);
    const bytes = await collect(body);
    const digest = createHash("sha256").update(bytes).digest("base64").replaceAll("+", "-").replaceAll("/", "_");
    const info = { name, ...options, size: bytes.length, digest: `SHA-256=${digest}`, modified: new Date() };
    this.#objects.set(name, { info, bytes });
    return info;
  }

  async delete(name: string): Promise<boolean> {
    checkName(name);
    return this.#objects.delete(name);
  }

  async list(): Promise<ObjectInfo[]> {
    return [...this.#objects.values()].map(({ info }) => info);
  }

  async info(name: string): Promise<ObjectInfo | undefined> {
    checkName(name);
    return this.#objects.get(name)?.info;
  }
}

function checkName(name: string): void {
  const size = Buffer.byteLength(objectNameOf(name));
  if (size < 1 || size > 1024) throw serviceError("invalid_key", "An object's name has 1 to 1024 bytes of UTF-8.");
}

async function collect(given: ObjectBody): Promise<Uint8Array> {
  const body = objectBody(given);
  if (body instanceof Uint8Array) return Uint8Array.from(body);
  const chunks: Uint8Array[] = [];
  for await (const piece of body) chunks.push(piece);
  return Buffer.concat(chunks);
}
