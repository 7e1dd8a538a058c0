import { readServiceJson, readText } from "../stored-bytes.ts";
import type { ObjectInfo, StoredObject } from "./object-store.ts";
import { serviceError } from "./service-error.ts";

/** A {@link StoredObject} over bytes that are still to come. */
export class ReadableObject implements StoredObject {
  readonly info: ObjectInfo;
  readonly #body: AsyncIterable<Uint8Array>;
  #isRead = false;

  constructor(info: ObjectInfo, body: AsyncIterable<Uint8Array>) {
    this.info = info;
    this.#body = body;
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async text(): Promise<string> {
    return readText(await this.bytes());
  }

  async json<T = unknown>(): Promise<T> {
    return readServiceJson<T>(await this.bytes(), `The object "${this.info.name}"`);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#isRead) {
      throw serviceError("invalid_request", `The object "${this.info.name}" was read already. Keep what you read.`);
    }
    this.#isRead = true;
    return this.#body[Symbol.asyncIterator]();
  }
}
