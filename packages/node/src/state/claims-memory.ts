import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstream, JetStreamApiError } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { CLOCK_SKEW_MS, MAX_CLAIMS_LIFETIME_MS, NexError } from "@nex/protocol";
import { BoundedMemory } from "./bounded-memory.ts";
import { streamExists } from "./stream-exists.ts";

/** Ids of used claims, for all nodes that share a JetStream. */
const CLAIMS_BUCKET = "nex_claims";

/** JetStream's code for a write that expects another revision than there is: the key exists. */
const WRONG_LAST_SEQUENCE = 10071;

/** A stop waits this long for its claims to be recorded, ms. */
const STOP_RECORD_MS = 2000;

/** Claims cannot count for longer, whichever way the clocks differ. */
const REMEMBERED_MS = MAX_CLAIMS_LIFETIME_MS + 2 * CLOCK_SKEW_MS;

/** Claims that a node remembers by itself. Each takes some 150 bytes. */
const MAX_REMEMBERED = 100_000;

/** Remembers which claims were used, across nodes and restarts, until they have expired. */
export class ClaimsMemory {
  readonly #connection: NatsConnection;
  readonly #warn: (line: string) => void;
  #bucket: Promise<KV> | undefined;
  /** What was used on this node: it holds while JetStream is away, and after the bucket was lost. */
  readonly #usedHere: BoundedMemory<true> = new BoundedMemory(REMEMBERED_MS, MAX_REMEMBERED);

  constructor(connection: NatsConnection, warn: (line: string) => void = () => undefined) {
    this.#connection = connection;
    this.#warn = warn;
  }

  /** @throws NexError `jetstream_unavailable` */
  async open(): Promise<void> {
    await this.#kv();
  }

  /**
   * Uses claims up. `scope` keeps apart the nodes that may each act once on the same claims: the replicas of
   * one deploy run under one signature.
   * @throws NexError `claims_replayed`, `jetstream_unavailable`
   */
  async use(id: string, scope: string): Promise<void> {
    const key = this.#useHere(id, scope);
    try {
      await this.#record(key);
    } catch (error) {
      // Nothing was done under these claims.
      if (!isReplay(error)) this.#usedHere.forget(key);
      throw error;
    }
  }

  /**
   * The same for a stop, which needs no write to succeed: whoever wants a workload ended must be able to while
   * JetStream is away or full. This node remembers the claims in any case.
   * @throws NexError `claims_replayed`
   */
  async useForStop(id: string, scope: string): Promise<void> {
    const key = this.#useHere(id, scope);
    const waited = new AbortController();
    const late = sleep(STOP_RECORD_MS, true, { signal: waited.signal });
    try {
      const isLate = await Promise.race([this.#record(key).then(() => false), late]);
      if (isLate) this.#warn(`The use of a stop's claims was not recorded within ${STOP_RECORD_MS} ms; it went ahead.`);
    } catch (error) {
      if (isReplay(error)) throw error;
      this.#warn(`${(error as Error).message} The stop went ahead.`);
    } finally {
      waited.abort();
    }
  }

  #useHere(id: string, scope: string): string {
    // An id may hold anything; a key may not.
    const key = createHash("sha256").update(`${scope}\0${id}`).digest("hex");
    if (this.#usedHere.get(key) === true) throw replayed();
    this.#usedHere.remember(key, true);
    return key;
  }

  async #record(key: string): Promise<void> {
    try {
      await this.#create(key);
    } catch (error) {
      if (isReplay(error) || (await streamExists(this.#connection, `KV_${CLAIMS_BUCKET}`))) throw error;
      this.#bucket = undefined;
      await this.#create(key);
    }
  }

  async #create(key: string): Promise<void> {
    const bucket = await this.#kv();
    try {
      await bucket.create(key, new Uint8Array(0));
    } catch (cause) {
      if (cause instanceof JetStreamApiError && cause.code === WRONG_LAST_SEQUENCE) throw replayed(cause);
      throw new NexError(
        "jetstream_unavailable",
        `The use of the workload claims could not be recorded: ${(cause as Error).message}.`,
        { cause },
      );
    }
  }

  async #kv(): Promise<KV> {
    this.#bucket ??= new Kvm(jetstream(this.#connection)).create(CLAIMS_BUCKET, {
      description: "Ids of used workload claims",
      history: 1,
      ttl: REMEMBERED_MS,
    });
    try {
      return await this.#bucket;
    } catch (cause) {
      this.#bucket = undefined;
      throw new NexError(
        "jetstream_unavailable",
        `The bucket of used claims cannot be opened: ${(cause as Error).message}. Nex needs JetStream: start nats-server with -js.`,
        { cause },
      );
    }
  }
}

function replayed(cause?: Error): NexError {
  return new NexError(
    "claims_replayed",
    "These workload claims were used before. Sign the request again: each needs claims of its own.",
    { cause },
  );
}

function isReplay(error: unknown): boolean {
  return error instanceof NexError && error.code === "claims_replayed";
}
