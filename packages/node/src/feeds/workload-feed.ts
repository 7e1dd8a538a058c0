import type { LogBatch } from "@nex/link";
import { createEvent, type EventType, type LogLevel, type LogRecord } from "@nex/protocol";
import type { Feeds } from "./feeds.ts";

/** Records of one instance that are passed on per second; a burst may be twice as long. */
const RECORDS_PER_SECOND = 2000;

/** What is told about one workload: its log records and its events. */
export class WorkloadFeed {
  readonly #feeds: Feeds;
  readonly #namespace: string;
  readonly #workload: string;
  #allowance = 2 * RECORDS_PER_SECOND;
  #renewedAt: number = Date.now();

  constructor(feeds: Feeds, namespace: string, workload: string) {
    this.#feeds = feeds;
    this.#namespace = namespace;
    this.#workload = workload;
  }

  /** Records from the sandbox. What comes too fast is dropped, counted and said. */
  logs(id: string, batch: LogBatch): void {
    this.#renew();
    let { dropped } = batch;
    for (const { at, level, stream, text, invocation } of batch.records) {
      if (this.#allowance <= 0) {
        dropped++;
        continue;
      }
      this.#allowance--;
      this.#record(id, { time: timeOf(at), level, stream, text, ...(invocation === undefined ? {} : { invocation_id: invocation }) });
    }
    if (dropped > 0) this.note(id, "warn", `${dropped} log records were dropped: the workload writes faster than the node passes on.`);
  }

  /** A line of the node's own about the workload. */
  note(id: string, level: LogLevel, text: string): void {
    this.#record(id, { time: new Date().toISOString(), level, stream: "node", text });
  }

  event(type: EventType, data: Readonly<Record<string, unknown>>): void {
    this.#feeds.publishEvent(createEvent(type, this.#feeds.source, this.#namespace, { workload_name: this.#workload, ...data }));
  }

  #record(id: string, record: Omit<LogRecord, "workload" | "namespace" | "id">): void {
    this.#feeds.publishLog({ ...record, workload: this.#workload, namespace: this.#namespace, id });
  }

  #renew(): void {
    const now = Date.now();
    const earned = ((now - this.#renewedAt) / 1000) * RECORDS_PER_SECOND;
    this.#allowance = Math.min(2 * RECORDS_PER_SECOND, this.#allowance + earned);
    this.#renewedAt = now;
  }
}

/** The clock is the guest's: a time that no calendar knows must not throw here. */
function timeOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? new Date().toISOString() : date.toISOString();
}
