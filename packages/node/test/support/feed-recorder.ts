import type { NatsConnection } from "@nats-io/transport-node";
import { decodeEvent, decodeLogRecord, type LogRecord, type NexEvent } from "@nex/protocol";
import { waitFor } from "@nex/testing";

/** Everything a node tells about its workloads, as its users receive it. */
export class FeedRecorder {
  readonly events: NexEvent[] = [];
  readonly logs: LogRecord[] = [];

  readonly #waitMs: number;

  /** @param waitMs for an event or a log record to come */
  constructor(connection: NatsConnection, waitMs = 10_000) {
    this.#waitMs = waitMs;
    connection.subscribe("$NEX.events.>", {
      callback: (_, message) => void this.events.push(decodeEvent(message.data)),
    });
    connection.subscribe("$NEX.logs.>", {
      callback: (_, { subject, data }) => {
        const record = decodeLogRecord(subject, data, Date.now());
        if (record !== undefined) this.logs.push(record);
      },
    });
  }

  /** The first event of that type, now or later. */
  async event(type: string): Promise<NexEvent & { readonly data: Readonly<Record<string, unknown>> }> {
    const found = await waitFor(() => this.events.find((event) => event.type === type), {
      message: `event ${type}`,
      timeoutMs: this.#waitMs,
    });
    return found as NexEvent & { readonly data: Readonly<Record<string, unknown>> };
  }

  /** The first log record whose text has `part` in it, now or later; of those from the one numbered `from` on. */
  async log(part: string, from = 0): Promise<LogRecord> {
    return await waitFor(() => this.logs.slice(from).find(({ text }) => text.includes(part)), {
      message: `a log of "${part}"`,
      timeoutMs: this.#waitMs,
    });
  }

  count(type: string): number {
    return this.events.filter((event) => event.type === type).length;
  }
}
