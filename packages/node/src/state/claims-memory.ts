import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { CLOCK_SKEW_MS, MAX_CLAIMS_LIFETIME_MS, NexError } from "@nex/protocol";
import { Bucket } from "../jetstream/bucket.ts";
import { BoundedMemory } from "./bounded-memory.ts";

/** Ids of used claims, for all nodes that share a JetStream. */
const CLAIMS_BUCKET = "nex_claims";

/** A stop waits this long for its claims to be recorded, ms. */
const STOP_RECORD_MS = 2000;

/** Claims cannot count for longer, whichever way the clocks differ. */
const REMEMBERED_MS = MAX_CLAIMS_LIFETIME_MS + 2 * CLOCK_SKEW_MS;

/** Claims that a node remembers by itself. Each takes some 150 bytes. */
const MAX_REMEMBERED = 100_000;

/** Remembers which claims were used, across nodes and restarts, until they have expired. */
export class ClaimsMemory {
  readonly #bucket: Bucket;
  readonly #warn: (line: string) => void;
  /** What was used on this node: it holds while JetStream is away, and after the bucket was lost. */
  readonly #usedHere: BoundedMemory<true> = new BoundedMemory(REMEMBERED_MS, MAX_REMEMBERED);

  /** @param replicas servers of a cluster that each keep a copy */
  constructor(connection: NatsConnection, warn: (line: string) => void = () => undefined, replicas = 1) {
    this.#bucket = new Bucket(connection, {
      name: CLAIMS_BUCKET,
      description: "ids of used workload claims",
      replicas,
      ttlMs: REMEMBERED_MS,
    });
    this.#warn = warn;
  }

  /** @throws NexError `jetstream_unavailable` */
  async open(): Promise<void> {
    await this.#bucket.open();
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
    if ((await this.#bucket.replace(key, new Uint8Array(0), 0)) === undefined) throw replayed();
  }
}

function replayed(): NexError {
  return new NexError(
    "claims_replayed",
    "These workload claims were used before. Sign the request again: each needs claims of its own.",
  );
}

function isReplay(error: unknown): boolean {
  return error instanceof NexError && error.code === "claims_replayed";
}
