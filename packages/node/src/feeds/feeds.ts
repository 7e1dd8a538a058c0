import type { NatsConnection } from "@nats-io/transport-node";
import {
  encodeEvent,
  encodeLogRecord,
  eventSubject,
  legacyLogSubject,
  logSubject,
  type LogRecord,
  type NexEvent,
  SYSTEM_NAMESPACE,
} from "@nex/protocol";
import { Ring } from "./ring.ts";

/** Log records kept for each workload, so that `nex logs` has something to show, and characters of them. */
const LOG_RING = 1000;
const LOG_RING_SIZE = 1024 * 1024;

/** Events kept for each workload, and for the node itself, and bytes of them. */
const EVENT_RING = 200;
const EVENT_RING_SIZE = 256 * 1024;

/** Workloads that are remembered; the one that was longest silent goes first. */
const MAX_RINGS = 200;

const REFUSALS: ReadonlySet<string> = new Set(["deploy_refused", "stop_refused"]);

/** Publishes events and log records on NATS and keeps the newest of both. */
export class Feeds {
  /** Public key of the node. */
  readonly source: string;
  readonly #connection: NatsConnection;
  readonly #hasLegacyClients: boolean;
  readonly #logs: Map<string, Ring<LogRecord>> = new Map();
  readonly #events: Map<string, Ring<NexEvent>> = new Map();
  /** Anybody can cause these, under any name and namespace: they must not push out what happened. */
  readonly #refusals: Ring<NexEvent> = new Ring(EVENT_RING, EVENT_RING_SIZE);
  /** While the server is away nats.js keeps all that is published, without bound. */
  #isAway = false;

  /** @param hasLegacyClients records go to both subjects on which clients of 0.2.7 look for them */
  constructor(connection: NatsConnection, nodeId: string, hasLegacyClients: boolean = false) {
    this.#connection = connection;
    this.source = nodeId;
    this.#hasLegacyClients = hasLegacyClients;
    void this.#watch();
  }

  publishEvent(event: NexEvent): void {
    const namespace = event.namespace ?? SYSTEM_NAMESPACE;
    const { workload_name: workload = "" } = (event.data ?? {}) as { workload_name?: unknown };
    const body = encodeEvent(event);
    const ring = REFUSALS.has(event.type)
      ? this.#refusals
      : ringOf(this.#events, `${namespace}/${String(workload)}`, () => new Ring(EVENT_RING, EVENT_RING_SIZE));
    ring.push(event, body.length);
    this.#publish(eventSubject(namespace, event.type), body);
  }

  publishLog(record: LogRecord): void {
    const { namespace, id, workload, text } = record;
    ringOf(this.#logs, `${namespace}/${workload}`, () => new Ring(LOG_RING, LOG_RING_SIZE)).push(record, text.length);
    const source = { namespace, node: this.source, id, workload };
    const body = encodeLogRecord(record);
    this.#publish(logSubject(source), body);
    if (this.#hasLegacyClients) this.#publish(legacyLogSubject(source), body);
  }

  /** Oldest first. */
  recentLogs(namespace: string, workload?: string): LogRecord[] {
    const found: LogRecord[] = [];
    for (const [key, ring] of this.#logs) {
      if (workload === undefined ? key.startsWith(`${namespace}/`) : key === `${namespace}/${workload}`)
        found.push(...ring.toArray());
    }
    return found.sort((a, b) => compare(a.time, b.time));
  }

  /** Events of the namespace and of the nodes themselves, oldest first. */
  recentEvents(namespace: string): NexEvent[] {
    const found = [...this.#events]
      .filter(([key]) => key.startsWith(`${namespace}/`) || key.startsWith(`${SYSTEM_NAMESPACE}/`))
      .flatMap(([, ring]) => ring.toArray());
    const refused = this.#refusals
      .toArray()
      .filter((event) => event.namespace === namespace || event.namespace === SYSTEM_NAMESPACE);
    return [...found, ...refused].sort((a, b) => compare(a.time ?? "", b.time ?? ""));
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === "disconnect") this.#isAway = true;
      else if (type === "reconnect") this.#isAway = false;
    }
  }

  #publish(subject: string, body: Uint8Array): void {
    if (this.#isAway) return;
    try {
      this.#connection.publish(subject, body);
    } catch {
      // The connection is closing; the ring still has it.
    }
  }
}

function ringOf<T>(rings: Map<string, Ring<T>>, key: string, make: () => Ring<T>): Ring<T> {
  const ring = rings.get(key) ?? make();
  // Re-inserted, so that the map's order is the order of last use.
  rings.delete(key);
  rings.set(key, ring);
  if (rings.size > MAX_RINGS) rings.delete(rings.keys().next().value!);
  return ring;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
