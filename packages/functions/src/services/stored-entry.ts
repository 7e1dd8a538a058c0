import { readServiceJson, readText } from "../stored-bytes.ts";
import type { KeyValueEntry } from "./key-value.ts";

/** A {@link KeyValueEntry} over the bytes that were read. */
export class StoredEntry implements KeyValueEntry {
  readonly key: string;
  readonly revision: number;
  readonly #value: Uint8Array;

  constructor(key: string, revision: number, value: Uint8Array) {
    this.key = key;
    this.revision = revision;
    this.#value = value;
  }

  bytes(): Uint8Array {
    return this.#value;
  }

  text(): string {
    return readText(this.#value);
  }

  json<T = unknown>(): T {
    return readServiceJson<T>(this.#value, `The value of the key "${this.key}"`);
  }
}
