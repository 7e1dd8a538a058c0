import { readJson, readText } from "../stored-bytes.ts";
import type { ObjectInfo, StoredObject } from "./object-store.ts";

/** A {@link StoredObject} over bytes that are still to come. */
export class ReadableObject implements StoredObject {
  readonly info: ObjectInfo;
  readonly #body: AsyncIterable<Uint8Array>;

  constructor(info: ObjectInfo, body: AsyncIterable<Uint8Array>) {
    this.info = info;
    this.#body = body;
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#body) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async text(): Promise<string> {
    return readText(await this.bytes());
  }

  async json<T = unknown>(): Promise<T> {
    return readJson<T>(await this.bytes(), `The object "${this.info.name}"`);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#body[Symbol.asyncIterator]();
  }
}
