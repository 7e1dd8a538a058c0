import type { NexError } from "@nex/protocol";
import { keyOf, revisionOf, timeToLiveOf, valueOf } from "./arguments.ts";
import type { KeyValue, KeyValueEntry, KeyValuePutOptions } from "./key-value.ts";
import { StoredEntry } from "./stored-entry.ts";
import { serviceError } from "./service-error.ts";

const KEY = /^(?!\.)(?!.*\.\.)(?!.*\.$)[-/_=.a-zA-Z0-9]{1,512}$/;

const PREFIX = /^(?!\.)(?!.*\.\.)[-/_=.a-zA-Z0-9]{1,512}$/;

/** A bucket in memory, with the rules of a node's: for tests of functions. */
export class MemoryKeyValue implements KeyValue {
  readonly #entries: Map<string, { readonly value: Uint8Array; readonly revision: number }> = new Map();
  #revision = 0;

  async get(key: string): Promise<KeyValueEntry | undefined> {
    checkKey(key);
    const found = this.#entries.get(key);
    return found === undefined ? undefined : new StoredEntry(key, found.revision, Uint8Array.from(found.value));
  }

  async put(key: string, value: unknown, options: KeyValuePutOptions = {}): Promise<number> {
    checkKey(key);
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
    checkKey(key);
    if (this.#entries.has(key)) throw serviceError("key_exists", `The key "${key}" exists already.`, { data: { key } });
    return await this.put(key, value, options);
  }

  async update(key: string, value: unknown, revision: number): Promise<number> {
    checkKey(key);
    revisionOf(revision);
    if (this.#entries.get(key)?.revision !== revision) {
      throw serviceError("wrong_revision", `The key "${key}" is not at revision ${revision} any more.`, {
        data: { key, expected: revision },
      });
    }
    return await this.put(key, value);
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#revision++;
    this.#entries.delete(key);
  }

  async keys(prefix = ""): Promise<string[]> {
    if (prefix !== "" && !PREFIX.test(keyOf(prefix))) throw badKey(prefix);
    return [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
  }
}

function checkKey(key: string): void {
  if (!KEY.test(keyOf(key))) throw badKey(key);
}

function badKey(key: string): NexError {
  return serviceError(
    "invalid_key",
    `"${key.slice(0, 80)}" cannot be a key: use 1 to 512 letters, digits and -_/=. without a dot at either end or two in a row.`,
  );
}
