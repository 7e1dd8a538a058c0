import { NexError } from "@nex/protocol";
import { encodePayload } from "../reply.ts";
import type { KeyValue, KeyValueEntry, KeyValuePutOptions } from "./key-value.ts";
import { StoredEntry } from "./stored-entry.ts";

const KEY = /^(?!\.)(?!.*\.\.)(?!.*\.$)[-/_=.a-zA-Z0-9]{1,512}$/;

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
    const revision = ++this.#revision;
    this.#entries.set(key, { value: Uint8Array.from(encodePayload(value)), revision });
    if (options.ttlMs !== undefined) {
      const expire = (): void => {
        if (this.#entries.get(key)?.revision === revision) this.#entries.delete(key);
      };
      setTimeout(expire, options.ttlMs).unref();
    }
    return revision;
  }

  async set(key: string, value: unknown): Promise<number> {
    return await this.put(key, value);
  }

  async create(key: string, value: unknown, options: KeyValuePutOptions = {}): Promise<number> {
    checkKey(key);
    if (this.#entries.has(key)) throw new NexError("key_exists", `The key "${key}" exists already.`, { data: { key } });
    return await this.put(key, value, options);
  }

  async update(key: string, value: unknown, revision: number): Promise<number> {
    checkKey(key);
    if (this.#entries.get(key)?.revision !== revision) {
      throw new NexError("wrong_revision", `The key "${key}" is not at revision ${revision} any more.`, {
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
    return [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
  }
}

function checkKey(key: string): void {
  if (KEY.test(key)) return;
  throw new NexError("invalid_key", `"${String(key).slice(0, 80)}" cannot be a key.`);
}
