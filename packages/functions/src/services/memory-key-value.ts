import { checkKey, checkKeyPrefix } from "@nex/protocol";
import { keyOf, revisionOf, timeToLiveOf, valueOf } from "./arguments.ts";
import type { KeyValue, KeyValueEntry, KeyValuePutOptions } from "./key-value.ts";
import { StoredEntry } from "./stored-entry.ts";
import { asService, serviceError } from "./service-error.ts";

/** A bucket in memory, with the rules of a node's: for tests of functions. */
export class MemoryKeyValue implements KeyValue {
  readonly #entries: Map<string, { readonly value: Uint8Array; readonly revision: number }> = new Map();
  #revision = 0;

  async get(key: string): Promise<KeyValueEntry | undefined> {
    asService(() => checkKey(keyOf(key)));
    const found = this.#entries.get(key);
    return found === undefined ? undefined : new StoredEntry(key, found.revision, Uint8Array.from(found.value));
  }

  async put(key: string, value: unknown, options: KeyValuePutOptions = {}): Promise<number> {
    asService(() => checkKey(keyOf(key)));
    const bytes = valueOf(key, value);
    const ttlMs = timeToLiveOf(options.ttlMs);
    const revision = ++this.#revision;
    this.#entries.set(key, { value: Uint8Array.from(bytes), revision });
    if (ttlMs !== undefined) {
      const expire = (): void => {
        if (this.#entries.get(key)?.revision === revision) this.#entries.delete(key);
      };
      setTimeout(expire, ttlMs).unref();
    }
    return revision;
  }

  async set(key: string, value: unknown): Promise<number> {
    return await this.put(key, value);
  }

  async create(key: string, value: unknown, options: KeyValuePutOptions = {}): Promise<number> {
    asService(() => checkKey(keyOf(key)));
    if (this.#entries.has(key)) throw serviceError("key_exists", `The key "${key}" exists already.`, { data: { key } });
    return await this.put(key, value, options);
  }

  async update(key: string, value: unknown, revision: number): Promise<number> {
    asService(() => checkKey(keyOf(key)));
    revisionOf(revision);
    if (this.#entries.get(key)?.revision !== revision) {
      throw serviceError("wrong_revision", `The key "${key}" is not at revision ${revision} any more.`, {
        data: { key, expected: revision },
      });
    }
    return await this.put(key, value);
  }

  async delete(key: string): Promise<void> {
    asService(() => checkKey(keyOf(key)));
    this.#revision++;
    this.#entries.delete(key);
  }

  async keys(prefix = ""): Promise<string[]> {
    asService(() => checkKeyPrefix(keyOf(prefix)));
    return [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
  }
}
