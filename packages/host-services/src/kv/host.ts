import { type ApiError, jetstream, JetStreamApiError, type JetStreamClient } from "@nats-io/jetstream";
import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import { bucketExists, KeptBucket, type OpenBucket, openBucket } from "../host/bucket.ts";
import { bucketName } from "../host/config.ts";
import { checkConnected, isTimeout, isWrongLastSequence } from "../host/nats-errors.ts";
import { Requests } from "../host/requests.ts";
import type { HostService, OpenService, ServiceCall, ServiceReply, ServiceScope } from "../host/service.ts";
import { isKey, isPrefix, KV_CODE, KvMethod } from "./contract.ts";
import { replyWithValue } from "./direct-answer.ts";

export const kvHost: HostService = {
  name: "kv",
  code: KV_CODE,
  methods: KvMethod,
  isEnabled: (config) => config.kv.enabled,
  open: (scope) => new KeyValueHost(scope),
};

interface Store {
  readonly bucket: string;
  readonly stream: OpenBucket;
  readonly kv: KV;
  readonly connection: NatsConnection;
  readonly requests: Requests;
  readonly jetStream: JetStreamClient;
  readonly takesTtl: boolean;
}

/**
 * A read of a bucket that is gone may get no answer at all. So the first try is short, and where it is in vain the
 * bucket is looked for, ms.
 */
const FIRST_READ_MS = 1000;
const READ_MS = 5000;
const WRITE_MS = 5000;

const NOTHING: ServiceReply = {};

/** One workload's bucket. */
class KeyValueHost implements OpenService {
  readonly #scope: ServiceScope;
  readonly #store: KeptBucket<Store>;

  constructor(scope: ServiceScope) {
    this.#scope = scope;
    this.#store = new KeptBucket(async () => await openStore(scope));
  }

  call({ method, args, payload }: ServiceCall): Promise<ServiceReply> {
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

  /** The hot path: one request, whose subject says everything and whose answer is the value. */
  #get(key: string): Promise<ServiceReply> {
    return this.#use(`"${key}" cannot be read`, async (store) => {
      if (!store.stream.isDirect) return entryReply(await store.kv.get(key));
      try {
        return await readDirectly(store, key, FIRST_READ_MS);
      } catch (error) {
        if (!isTimeout(error)) throw error;
        if (!(await bucketExists(store.stream))) {
          throw new NexError("bucket_missing", "The bucket is not there any more. The next call makes it anew.");
        }
        return await readDirectly(store, key, READ_MS);
      }
    });
  }

  #put(key: string, value: Buffer, ttl: string): Promise<ServiceReply> {
    return this.#use(`"${key}" cannot be written`, async (store) => {
      if (ttl === "") return await write(store, key, value);
      const ack = await store.jetStream.publish(`$KV.${store.bucket}.${key}`, value, { ttl: checkTtl(store, ttl) });
      return revision(ack.seq);
    });
  }

  async #create(key: string, value: Buffer, ttl: string): Promise<ServiceReply> {
    return await this.#use(`"${key}" cannot be made`, async (store) => {
      try {
        return revision(await store.kv.create(key, value, ttl === "" ? undefined : checkTtl(store, ttl)));
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
    return await this.#use(`"${key}" cannot be updated`, async ({ kv }) => {
      try {
        return revision(await kv.update(key, value, number));
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
    await this.#use(`"${key}" cannot be deleted`, async ({ kv }) => await kv.delete(key));
    return NOTHING;
  }

  async #keys(prefix: string): Promise<ServiceReply> {
    if (!isPrefix(prefix)) throw badKey(prefix);
    // NATS filters by whole tokens; what is left of the prefix is compared here.
    const lastDot = prefix.lastIndexOf(".");
    const filter = lastDot === -1 ? ">" : `${prefix.slice(0, lastDot)}.>`;
    const found = await this.#use("The keys cannot be listed", async ({ kv }) => await kv.keys(filter));
    return {
      body: (async function* (): AsyncGenerator<Buffer, void, undefined> {
        for await (const key of found) if (key.startsWith(prefix)) yield Buffer.from(`${key}\n`);
      })(),
    };
  }

  #use<R>(what: string, work: (store: Store) => Promise<R>): Promise<R> {
    return this.#store.use(what, (store) => {
      checkConnected(store.connection);
      return work(store);
    });
  }

  #checkSize(value: Buffer): void {
    const limit = Math.min(this.#scope.connection.info?.max_payload ?? Infinity, this.#scope.config.kv.max_bytes);
    if (value.length <= limit) return;
    throw new NexError("too_large", `The value has ${value.length} bytes; at most ${limit} are taken.`, {
      data: { size: value.length, limit },
    });
  }
}

async function openStore(scope: ServiceScope): Promise<Store> {
  const { workload, config } = scope;
  const name = bucketName(config.kv.bucket, workload);
  const connection = await scope.storage({ kv: name, objectStore: bucketName(config.object_store.bucket, workload) });
  const takesTtl = atLeast(connection.info?.version, 2, 11);
  const bucket = await openBucket(connection, {
    what: "key-value bucket",
    name,
    stream: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    config: config.kv,
    workload,
    settings: takesTtl ? { allow_msg_ttl: true } : {},
  });
  const jetStream = jetstream(connection);
  const kv = await new Kvm(jetStream).open(name, { allow_direct: bucket.isDirect });
  return { bucket: name, stream: bucket, kv, connection, requests: Requests.over(connection), jetStream, takesTtl };
}

/** The newest message of the key's subject. @throws what nats.js throws */
async function readDirectly(
  { requests, stream, bucket }: Store,
  key: string,
  timeoutMs: number,
): Promise<ServiceReply> {
  const subject = `$JS.API.DIRECT.GET.${stream.stream}.$KV.${bucket}.${key}`;
  const answer = await requests.request({ subject, timeoutMs });
  const found = replyWithValue(answer);
  if (found !== undefined) return found;
  const { headers, data } = answer;
  if (headers === undefined || headers.code === 404) return NOTHING;
  if (headers.code !== 0) throw new Error(`JetStream answered ${headers.code} ${headers.description}`);
  if (headers.get("KV-Operation") !== "") return NOTHING;
  return { args: [headers.get("Nats-Sequence")], payload: data };
}

/** The hot path of writing: the stream's own acknowledgement. @throws what nats.js throws */
async function write({ requests, bucket }: Store, key: string, payload: Buffer): Promise<ServiceReply> {
  const answer = await requests.request({ subject: `$KV.${bucket}.${key}`, payload, timeoutMs: WRITE_MS });
  const { seq, error } = answer.json<{ readonly seq?: number; readonly error?: ApiError }>();
  if (error !== undefined) throw new JetStreamApiError(error);
  if (seq === undefined) throw new Error(`JetStream acknowledged with ${answer.string().slice(0, 100)}`);
  return revision(seq);
}

function entryReply(entry: KvEntry | null): ServiceReply {
  if (entry === null || entry.operation !== "PUT") return NOTHING;
  return { args: [String(entry.revision)], payload: entry.value };
}

function checkTtl({ takesTtl }: Store, ttl: string): string {
  const ms = Number(ttl);
  if (!Number.isFinite(ms) || ms < 1000)
    throw new NexError("invalid_request", "A time to live is 1000 ms or more: NATS counts it in seconds.");
  if (takesTtl) return `${Math.ceil(ms / 1000)}s`;
  throw new NexError(
    "unsupported_by_server",
    "Keys with a time to live need nats-server 2.11 or newer. Leave it out, or delete the key yourself.",
  );
}

function atLeast(version: string | undefined, major: number, minor: number): boolean {
  const [a = 0, b = 0] = (version ?? "").split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

function revision(sequence: number): ServiceReply {
  return { args: [String(sequence)] };
}

function checkKey(key: string): void {
  if (!isKey(key)) throw badKey(key);
}

function badKey(key: string): NexError {
  const shown = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  return new NexError(
    "invalid_key",
    `"${shown}" cannot be a key: use 1 to 512 letters, digits and -_/=. without a dot at either end or two in a row.`,
    { data: { key: shown } },
  );
}
