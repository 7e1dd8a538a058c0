import { type ApiError, jetstream, JetStreamApiError } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { headers as newHeaders, type MsgHdrs } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import { bucketExists, type OpenBucket, openBucket } from "../host/bucket.ts";
import { bucketName } from "../host/config.ts";
import { pullMessages } from "../host/pull-messages.ts";
import { bucketMissing, isFull, isTimeout, isWrongLastSequence } from "../host/nats-errors.ts";
import { Requests } from "../host/requests.ts";
import type { ServiceReply, ServiceScope } from "../host/service.ts";
import { replyWithValue } from "./direct-answer.ts";

/**
 * A read of a bucket that is gone may get no answer at all. So the first try is short, and where it is in vain the
 * bucket is looked for, ms.
 */
const FIRST_READ_MS = 1000;
const READ_MS = 5000;
const WRITE_MS = 5000;

/** A batch of the longest keys has half a megabyte. */
const KEYS_AT_ONCE = 500;

/** A key whose last word changes each time it is looked at is being made by somebody else too. */
const CREATE_ATTEMPTS = 5;

const NOTHING: ServiceReply = {};

interface WriteOptions {
  /** Revision that the key must be at; 0 for a key that is not there. */
  readonly expected?: number;
  /** ms */
  readonly ttl?: string;
  readonly operation?: "DEL";
}

/** A workload's bucket on the NATS server: one request for each call. All methods throw what nats.js throws, or NexError. */
export class KeyValueStore {
  readonly bucket: OpenBucket;
  readonly #kv: KV;
  readonly #requests: Requests;
  readonly #takesTtl: boolean;

  private constructor(bucket: OpenBucket, kv: KV, takesTtl: boolean) {
    this.bucket = bucket;
    this.#kv = kv;
    this.#requests = Requests.over(bucket.connection);
    this.#takesTtl = takesTtl;
  }

  static async open(scope: ServiceScope): Promise<KeyValueStore> {
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
    const kv = await new Kvm(jetstream(connection)).open(name, { allow_direct: bucket.isDirect });
    return new KeyValueStore(bucket, kv, takesTtl);
  }

  /** The hot path: one request, whose subject says everything and whose answer is the value. */
  async get(key: string): Promise<ServiceReply> {
    if (!this.bucket.isDirect) return await this.#getFromLeader(key);
    try {
      return await this.#read(key, FIRST_READ_MS);
    } catch (error) {
      if (!isTimeout(error)) throw error;
      if (!(await bucketExists(this.bucket))) throw bucketMissing(`"${key}" cannot be read`, error);
      return await this.#read(key, READ_MS);
    }
  }

  async put(key: string, value: Buffer, ttl: string): Promise<ServiceReply> {
    return await this.#write(key, value, ttl === "" ? undefined : { ttl });
  }

  async create(key: string, value: Buffer, ttl: string): Promise<ServiceReply> {
    let expected = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(key, value, { ttl, expected });
      } catch (error) {
        if (!isWrongLastSequence(error) || attempt === CREATE_ATTEMPTS) throw error;
        // The last word on a key may be that it was deleted, and even that may be gone by now.
        const last = await this.#kv.get(key);
        if (last?.operation === "PUT") throw error;
        expected = last?.revision ?? 0;
      }
    }
  }

  async update(key: string, value: Buffer, expected: number): Promise<ServiceReply> {
    return await this.#write(key, value, { expected });
  }

  /**
   * Writes that the key is gone, for whoever watches the bucket, and takes that away again: NATS's own clients leave it
   * there, and a bucket whose keys come and go is full of it one day.
   */
  async delete(key: string): Promise<void> {
    const filter = this.#subject(key);
    const { manager, stream } = this.bucket;
    try {
      const seq = await this.#publish(key, undefined, { operation: "DEL" });
      // Up to there: the key may have a value again by now. Where it cannot be done, no more is lost than some room.
      await manager.streams.purge(stream, { filter, seq: seq + 1 }).catch(() => undefined);
    } catch (error) {
      if (!isFull(error)) throw error;
      // There is no room even for that: then without it.
      await manager.streams.purge(stream, { filter });
    }
  }

  /** @param filter of whole tokens, as NATS filters */
  async *keys(filter: string): AsyncGenerator<string, void, undefined> {
    const { connection, manager, stream } = this.bucket;
    const start = this.#subject("").length;
    const messages = pullMessages({
      connection,
      manager,
      stream,
      filter: this.#subject(filter),
      lastOfSubject: true,
      headersOnly: true,
      batch: KEYS_AT_ONCE,
      timeoutMs: READ_MS,
    });
    for await (const { subject, headers } of messages) {
      const operation = headers?.get("KV-Operation") ?? "";
      if (operation !== "DEL" && operation !== "PURGE") yield subject.slice(start);
    }
  }

  #subject(key: string): string {
    return `$KV.${this.bucket.name}.${key}`;
  }

  async #getFromLeader(key: string): Promise<ServiceReply> {
    const entry = await this.#kv.get(key);
    if (entry === null || entry.operation !== "PUT") return NOTHING;
    return { args: [String(entry.revision)], payload: entry.value };
  }

  async #read(key: string, timeoutMs: number): Promise<ServiceReply> {
    const subject = `$JS.API.DIRECT.GET.${this.bucket.stream}.${this.#subject(key)}`;
    const answer = await this.#requests.request({ subject, timeoutMs });
    const found = replyWithValue(answer);
    if (found !== undefined) return found;
    const { headers, data } = answer;
    if (headers === undefined || headers.code === 404) return NOTHING;
    if (headers.code !== 0) throw new Error(`JetStream answered ${headers.code} ${headers.description}`);
    if (headers.get("KV-Operation") !== "") return NOTHING;
    return { args: [headers.get("Nats-Sequence")], payload: data };
  }

  async #write(key: string, value: Buffer, options?: WriteOptions): Promise<ServiceReply> {
    return { args: [String(await this.#publish(key, value, options))] };
  }

  /** The stream's own acknowledgement tells the revision. */
  async #publish(key: string, payload: Buffer | undefined, options?: WriteOptions): Promise<number> {
    const answer = await this.#requests.request({
      subject: this.#subject(key),
      payload,
      headers: options === undefined ? undefined : this.#headers(options),
      timeoutMs: WRITE_MS,
    });
    const { seq, error } = answer.json<{ readonly seq?: number; readonly error?: ApiError }>();
    if (error !== undefined) throw new JetStreamApiError(error);
    if (seq === undefined) throw new Error(`JetStream acknowledged with ${answer.string().slice(0, 100)}`);
    return seq;
  }

  #headers({ expected, ttl = "", operation }: WriteOptions): MsgHdrs {
    const headers = newHeaders();
    if (expected !== undefined) headers.set("Nats-Expected-Last-Subject-Sequence", String(expected));
    if (ttl !== "") headers.set("Nats-TTL", this.#seconds(ttl));
    if (operation !== undefined) headers.set("KV-Operation", operation);
    return headers;
  }

  #seconds(ttl: string): string {
    const ms = Number(ttl);
    if (!Number.isFinite(ms) || ms < 1000)
      throw new NexError("invalid_request", "A time to live is 1000 ms or more: NATS counts it in seconds.");
    if (this.#takesTtl) return `${Math.ceil(ms / 1000)}s`;
    throw new NexError(
      "unsupported_by_server",
      "Keys with a time to live need nats-server 2.11 or newer. Leave it out, or delete the key yourself.",
    );
  }
}

function atLeast(version: string | undefined, major: number, minor: number): boolean {
  const [a = 0, b = 0] = (version ?? "").split(".").map(Number);
  return a > major || (a === major && b >= minor);
}
