import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { encodeMessage } from "@nex/protocol";
import { RateLimit } from "@nex/system";
import { mayReplyTo } from "../triggers/reply-subject.ts";

/** One thing that shows up in `nats micro ls`. Form and names as in NATS's service API (ADR-32). */
export interface ServiceDescription {
  readonly name: string;
  readonly id: string;
  /** Semantic version. */
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly started: string;
  readonly endpoints: readonly ServiceEndpoint[];
}

export interface ServiceEndpoint {
  readonly name: string;
  readonly subject: string;
  readonly queue_group: string;
  readonly num_requests: number;
  readonly num_errors: number;
  /** Of the last request that failed; else empty. */
  readonly last_error: string;
  /** Of all requests together. */
  readonly processing_ms: number;
}

const VERBS = {
  PING: "io.nats.micro.v1.ping_response",
  INFO: "io.nats.micro.v1.info_response",
  STATS: "io.nats.micro.v1.stats_response",
} as const;
type Verb = keyof typeof VERBS;

/** Replies per second: one small question asks every function for one. */
const REPLIES_PER_SECOND = 5000;
const REPLIES_BURST = 20_000;

/**
 * Answers `$SRV.*` for the node and all its functions with one subscription: a service object of the client
 * library for each function would cost ten subscriptions and 47 KB.
 */
export class ServiceResponder {
  readonly #connection: NatsConnection;
  readonly #services: () => readonly ServiceDescription[];
  readonly #limit: RateLimit = new RateLimit(REPLIES_PER_SECOND, REPLIES_BURST);
  #subscription: Subscription | undefined;

  constructor(connection: NatsConnection, services: () => readonly ServiceDescription[]) {
    this.#connection = connection;
    this.#services = services;
  }

  open(): void {
    this.#subscription = this.#connection.subscribe("$SRV.>", {
      callback: (error, message) => {
        if (error === null) this.#answer(message);
      },
    });
  }

  async close(): Promise<void> {
    await this.#subscription?.drain().catch(() => undefined);
  }

  #answer(message: Msg): void {
    const { reply } = message;
    if (reply === undefined || reply === "" || !mayReplyTo(reply)) return;
    const [, word = "", name, id, ...rest] = message.subject.split(".");
    const verb = word.toUpperCase();
    if (!(verb in VERBS) || rest.length > 0) return;
    // Even a question nobody here answers is a look through all services.
    if (!this.#limit.take()) return;
    for (const service of this.#services()) {
      if (name !== undefined && service.name.toLowerCase() !== name.toLowerCase()) continue;
      if (id !== undefined && service.id !== id) continue;
      if (!this.#limit.take()) return;
      this.#publish(reply, encodeMessage(describe(verb as Verb, service)));
    }
  }

  /** A message is answered once for each service, so `respond` cannot serve. */
  #publish(reply: string, body: Uint8Array): void {
    try {
      this.#connection.publish(reply, body);
    } catch {
      // The connection is closing, or hundreds of long triggers are more than its server takes in one message.
    }
  }
}

function describe(verb: Verb, service: ServiceDescription): Record<string, unknown> {
  const { name, id, version, metadata, description, started, endpoints } = service;
  const identity = { type: VERBS[verb], name, id, version, metadata };
  if (verb === "PING") return identity;
  if (verb === "INFO") {
    return {
      ...identity,
      description,
      endpoints: endpoints.map(({ name: endpoint, subject, queue_group }) => ({
        name: endpoint,
        subject,
        queue_group,
        metadata: {},
      })),
    };
  }
  return { ...identity, started, endpoints: endpoints.map(statsOf) };
}

/** Times in nanoseconds. */
function statsOf({ processing_ms, ...endpoint }: ServiceEndpoint): Record<string, unknown> {
  const processing_time = Math.round(processing_ms * 1e6);
  const average = endpoint.num_requests === 0 ? 0 : Math.round(processing_time / endpoint.num_requests);
  return { ...endpoint, processing_time, average_processing_time: average };
}
