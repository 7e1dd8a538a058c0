import { createHash } from "node:crypto";
import { jetstream, JetStreamApiError } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { CLOCK_SKEW_MS, MAX_CLAIMS_LIFETIME_MS, NexError } from "@nex/protocol";

/** Ids of used claims, for all nodes that share a JetStream. */
const CLAIMS_BUCKET = "nex_claims";

/** JetStream's code for a write that expects another revision than there is: the key exists. */
const WRONG_LAST_SEQUENCE = 10071;

/** Remembers which claims were used, across nodes and restarts, until they have expired. */
export class ClaimsMemory {
  readonly #connection: NatsConnection;
  #bucket: Promise<KV> | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  /** @throws NexError `jetstream_unavailable` */
  async open(): Promise<void> {
    await this.#kv();
  }

  /**
   * Uses claims up. `scope` keeps apart the nodes that may each act once on the same claims: the replicas of
   * one deploy run under one signature.
   * @throws NexError `claims_replayed`
   */
  async use(id: string, scope: string): Promise<void> {
    // An id may hold anything; a key may not.
    const key = createHash("sha256").update(`${scope}\0${id}`).digest("hex");
    const bucket = await this.#kv();
    try {
      await bucket.create(key, new Uint8Array(0));
    } catch (cause) {
      if (cause instanceof JetStreamApiError && cause.code === WRONG_LAST_SEQUENCE) {
        throw new NexError(
          "claims_replayed",
          "These workload claims were used before. Sign the request again: each needs claims of its own.",
          { cause },
        );
      }
      throw new NexError(
        "jetstream_unavailable",
        `The use of the workload claims could not be recorded: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  async #kv(): Promise<KV> {
    this.#bucket ??= new Kvm(jetstream(this.#connection)).create(CLAIMS_BUCKET, {
      description: "Ids of used workload claims",
      history: 1,
      ttl: MAX_CLAIMS_LIFETIME_MS + 2 * CLOCK_SKEW_MS,
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
