import type { ObjectBody, ObjectInfo, ObjectPutOptions, ObjectStore, StoredObject } from "@nex/functions";
import { objectBody, objectNameOf, optionalTextOf, ReadableObject } from "@nex/functions/internal";
import type { ServiceClient } from "../guest/service-client.ts";
import { OBJECT_STORE_CODE, ObjectStoreMethod } from "./contract.ts";

/** Pieces a body in memory is sent in. */
const PIECE_BYTES = 256 * 1024;

/** `ctx.objectStore`. */
export class ObjectStoreClient implements ObjectStore {
  readonly #client: ServiceClient;

  constructor(client: ServiceClient) {
    this.#client = client;
  }

  async get(name: string): Promise<StoredObject | undefined> {
    const { args, body } = await this.#client.stream(OBJECT_STORE_CODE, ObjectStoreMethod.get, {
      args: [objectNameOf(name)],
    });
    return args[0] === undefined ? undefined : new ReadableObject(readInfo(args[0]), body);
  }

  async put(name: string, value: ObjectBody, options: ObjectPutOptions = {}): Promise<ObjectInfo> {
    const body = objectBody(value);
    const { args } = await this.#client.stream(OBJECT_STORE_CODE, ObjectStoreMethod.put, {
      args: [objectNameOf(name), optionalTextOf(options.description, "An object's description")],
      body: body instanceof Uint8Array ? pieces(body) : body,
    });
    return readInfo(args[0]!);
  }

  async delete(name: string): Promise<boolean> {
    const { args } = await this.#client.call(OBJECT_STORE_CODE, ObjectStoreMethod.delete, {
      args: [objectNameOf(name)],
    });
    return args[0] === "1";
  }

  async list(): Promise<ObjectInfo[]> {
    const { body } = await this.#client.stream(OBJECT_STORE_CODE, ObjectStoreMethod.list, {});
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8").split("\n").filter(Boolean).map(readInfo);
  }

  async info(name: string): Promise<ObjectInfo | undefined> {
    const { args } = await this.#client.call(OBJECT_STORE_CODE, ObjectStoreMethod.info, { args: [objectNameOf(name)] });
    return args[0] === undefined ? undefined : readInfo(args[0]);
  }
}

export function readInfo(json: string): ObjectInfo {
  const { name, description, size, digest, mtime } = JSON.parse(json) as Record<string, string> & { size: number };
  return {
    name: name!,
    ...(description === undefined ? {} : { description }),
    size,
    digest: digest!,
    modified: new Date(mtime!),
  };
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) yield bytes.subarray(offset, offset + PIECE_BYTES);
}
