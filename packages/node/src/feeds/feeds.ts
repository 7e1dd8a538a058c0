import type { NatsConnection } from "@nats-io/transport-node";
import {
  encodeEvent,
  encodeLogRecord,
  eventSubject,
  logSubject,
  type LogRecord,
  type NexEvent,
  SYSTEM_NAMESPACE,
} from "@nex/protocol";
import { Ring } from "./ring.ts";

/** Log records kept for each workload, so that `nex logs` has something to show. */
const LOG_RING = 1000;

/** Workloads whose records are kept; those of the one that was longest without any go first. */
const MAX_LOG_RINGS = 1000;

/** Events kept for the whole node. */
const EVENT_RING = 1000;

/** Publishes events and log records on NATS and keeps the newest of both. */
export class Feeds {
  /** Public key of the node. */
  readonly source: string;
  readonly #connection: NatsConnection;
  readonly #logs: Map<string, Ring<LogRecord>> = new Map();
  readonly #events: Ring<NexEvent> = new Ring(EVENT_RING);

  constructor(connection: NatsConnection, nodeId: string) {
    this.#connection = connection;
    this.source = nodeId;
  }

  publishEvent(event: NexEvent): void {
    this.#events.push(event);
    this.#publish(eventSubject(event.namespace ?? SYSTEM_NAMESPACE, event.type), encodeEvent(event));
  }

  publishLog(record: LogRecord): void {
    this.#ring(`${record.namespace}/${record.workload}`).push(record);
    const { namespace, id, workload } = record;
    this.#publish(logSubject({ namespace, node: this.source, id, workload }), encodeLogRecord(record));
  }

  /** Oldest first. */
  recentLogs(namespace: string, workload?: string): LogRecord[] {
    const found: LogRecord[] = [];
    for (const [key, ring] of this.#logs) {
      if (workload === undefined ? key.startsWith(`${namespace}/`) : key === `${namespace}/${workload}`)
        found.push(...ring.toArray());
    }
    return found.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }

  /** Events of the namespace and of the nodes themselves, oldest first. */
  recentEvents(namespace: string): NexEvent[] {
    return this.#events
      .toArray()
      .filter((event) => event.namespace === namespace || event.namespace === SYSTEM_NAMESPACE);
  }

  #ring(key: string): Ring<LogRecord> {
    const ring = this.#logs.get(key) ?? new Ring<LogRecord>(LOG_RING);
    // Re-inserted, so that the map's order is the order of last use.
    this.#logs.delete(key);
    this.#logs.set(key, ring);
    if (this.#logs.size > MAX_LOG_RINGS) this.#logs.delete(this.#logs.keys().next().value!);
    return ring;
  }

  #publish(subject: string, body: Uint8Array): void {
    try {
      this.#connection.publish(subject, body);
    } catch {
      // The connection is closing; the ring still has it.
    }
  }
}
