import { checkKey, checkKeyPrefix, NexError } from "@nex/protocol";
import { KeptBucket } from "../host/bucket.ts";
import { isWrongLastSequence } from "../host/nats-errors.ts";
import type { HostService, OpenService, ServiceCall, ServiceReply, ServiceScope } from "../host/service.ts";
import { KV_CODE, KvMethod } from "./contract.ts";
import { KeyValueStore } from "./store.ts";

export const kvHost: HostService = {
  name: "kv",
  code: KV_CODE,
  methods: KvMethod,
  usesNats: true,
  isEnabled: (config) => config.kv.enabled,
  open: (scope) => new KeyValueHost(scope),
};

const NOTHING: ServiceReply = {};

/** One workload's bucket. */
class KeyValueHost implements OpenService {
  readonly #scope: ServiceScope;
  readonly #store: KeptBucket<KeyValueStore>;

  constructor(scope: ServiceScope) {
    this.#scope = scope;
    this.#store = new KeptBucket(async () => await KeyValueStore.open(scope));
  }

  call({ method, args, payload }: ServiceCall): ServiceReply | Promise<ServiceReply> {
    const key = args[0] ?? "";
    const option = args[1] ?? "";
    if (method === KvMethod.keys) return this.#keys(key);
    checkKey(key);
    switch (method) {
      case KvMethod.get:
        return this.#get(key);
      case KvMethod.put:
        this.#checkSize(payload);
        return this.#put(key, payload, option);
      case KvMethod.create:
        this.#checkSize(payload);
        return this.#create(key, payload, option);
      case KvMethod.update:
        this.#checkSize(payload);
        return this.#update(key, payload, option);
      case KvMethod.delete:
        return this.#delete(key);
      default:
        throw new NexError("unknown_method", `The key-value service has no method ${method}.`, { data: { method } });
    }
  }

  #get(key: string): Promise<ServiceReply> {
    return this.#store.use(`"${key}" cannot be read`, (store) => store.get(key));
  }

  #put(key: string, value: Buffer, ttl: string): Promise<ServiceReply> {
    return this.#store.use(`"${key}" cannot be written`, (store) => store.put(key, value, ttl));
  }

  async #create(key: string, value: Buffer, ttl: string): Promise<ServiceReply> {
    return await this.#store.use(`"${key}" cannot be made`, async (store) => {
      try {
        return await store.create(key, value, ttl);
      } catch (error) {
        if (!isWrongLastSequence(error)) throw error;
        throw new NexError("key_exists", `The key "${key}" exists already.`, { cause: error, data: { key } });
      }
    });
  }

  async #update(key: string, value: Buffer, expected: string): Promise<ServiceReply> {
    const number = Number(expected);
    if (!Number.isSafeInteger(number) || number < 1)
      throw new NexError("invalid_request", `"${expected.slice(0, 40)}" is not a revision: it is a number from 1 on.`);
    return await this.#store.use(`"${key}" cannot be updated`, async (store) => {
      try {
        return await store.update(key, value, number);
      } catch (error) {
        if (!isWrongLastSequence(error)) throw error;
        throw new NexError("wrong_revision", `The key "${key}" is not at revision ${number} any more.`, {
          cause: error,
          data: { key, expected: number },
        });
      }
    });
  }

  async #delete(key: string): Promise<ServiceReply> {
    await this.#store.use(`"${key}" cannot be deleted`, async (store) => await store.delete(key));
    return NOTHING;
  }

  #keys(prefix: string): ServiceReply {
    checkKeyPrefix(prefix);
    // NATS filters by whole tokens; what is left of the prefix is compared here.
    const lastDot = prefix.lastIndexOf(".");
    const filter = lastDot === -1 ? ">" : `${prefix.slice(0, lastDot)}.>`;
    const found = this.#store.each("The keys cannot be listed", (store) => store.keys(filter));
    return {
      body: (async function* (): AsyncGenerator<Buffer, void, undefined> {
        for await (const key of found) if (key.startsWith(prefix)) yield Buffer.from(`${key}\n`);
      })(),
    };
  }

  #checkSize(value: Buffer): void {
    const limit = Math.min(this.#scope.connection.info?.max_payload ?? Infinity, this.#scope.config.kv.max_bytes);
    if (value.length <= limit) return;
    throw new NexError(
      "too_large",
      `The value has ${value.length} bytes; at most ${limit} are taken: what the bucket may hold (host_services.kv.max_bytes, --kv-size), or one message of the NATS server.`,
      {
        data: { size: value.length, limit },
      },
    );
  }
}
