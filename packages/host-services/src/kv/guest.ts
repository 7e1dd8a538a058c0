import type { KeyValue, KeyValueEntry, KeyValuePutOptions } from "@nex/functions";
import { keyOf, revisionOf, StoredEntry, timeToLiveOf, valueOf } from "@nex/functions/internal";
import type { ServiceClient } from "../guest/service-client.ts";
import { KV_CODE, KvMethod } from "./contract.ts";

/** `ctx.kv`. */
export class KeyValueClient implements KeyValue {
  readonly #client: ServiceClient;

  constructor(client: ServiceClient) {
    this.#client = client;
  }

  async get(key: string): Promise<KeyValueEntry | undefined> {
    const { args, payload } = await this.#client.call(KV_CODE, KvMethod.get, { args: [keyOf(key)] });
    const [revision] = args;
    return revision === undefined ? undefined : new StoredEntry(key, Number(revision), payload);
  }

  async put(key: string, value: unknown, options: KeyValuePutOptions = {}): Promise<number> {
    return await this.#write(KvMethod.put, key, value, timeToLiveOf(options.ttlMs));
  }

  async set(key: string, value: unknown): Promise<number> {
    return await this.put(key, value);
  }

  async create(key: string, value: unknown, options: KeyValuePutOptions = {}): Promise<number> {
    return await this.#write(KvMethod.create, key, value, timeToLiveOf(options.ttlMs));
  }

  async update(key: string, value: unknown, revision: number): Promise<number> {
    return await this.#write(KvMethod.update, key, value, revisionOf(revision));
  }

  async delete(key: string): Promise<void> {
    await this.#client.call(KV_CODE, KvMethod.delete, { args: [keyOf(key)] });
  }

  async keys(prefix = ""): Promise<string[]> {
    const { body } = await this.#client.stream(KV_CODE, KvMethod.keys, { args: [keyOf(prefix)] });
    return readLines(await collect(body));
  }

  async #write(method: number, key: string, value: unknown, option: number | undefined): Promise<number> {
    const args = [keyOf(key), option === undefined ? "" : String(option)];
    const answer = await this.#client.call(KV_CODE, method, { args, payload: valueOf(key, value) });
    return Number(answer.args[0]);
  }
}

/** Keys, one to a line. */
export function readLines(bytes: Buffer): string[] {
  return bytes.length === 0 ? [] : bytes.toString("utf8", 0, bytes.length - 1).split("\n");
}

async function collect(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
