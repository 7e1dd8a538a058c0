import type { LogBatch } from "@nex/link";
import { createEvent, type EventType, type LogLevel, type LogRecord } from "@nex/protocol";
import { RateLimit } from "@nex/system";
import type { Feeds } from "./feeds.ts";

/** What one workload may write per second; a burst may be twice as long. A record costs 1, and 1 more for each KiB. */
const ALLOWANCE_PER_SECOND = 2000;

/** A longer text is cut, characters: agents cut at this length too, but what runs in a sandbox need not be one of ours. */
const MAX_TEXT = 16 * 1024 + 64;

/** Lines of the node's own per second and workload. Sandboxes and callers can bring them about. */
const NOTES_PER_SECOND = 10;
const NOTE_BURST = 100;

/** What is told about one workload: its log records and its events. */
export class WorkloadFeed {
  readonly #feeds: Feeds;
  readonly #namespace: string;
  readonly #workload: string;
  readonly #notes: RateLimit = new RateLimit(NOTES_PER_SECOND, NOTE_BURST);
  #notesDropped = 0;
  #allowance = 2 * ALLOWANCE_PER_SECOND;
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
      const kept = text.slice(0, MAX_TEXT);
      this.#allowance -= 1 + kept.length / 1024;
      this.#record(id, {
        time: timeOf(at),
        level,
        stream,
        text: kept,
        ...(invocation === undefined ? {} : { invocation_id: invocation }),
      });
    }
    if (dropped > 0)
      this.note(id, "warn", `${dropped} log records were dropped: the workload writes faster than the node passes on.`);
  }

  /** A line of the node's own about the workload. What comes too fast is dropped and counted too. */
  note(id: string, level: LogLevel, text: string, invocationId?: string): void {
    if (!this.#notes.take()) {
      this.#notesDropped++;
      return;
    }
    if (this.#notesDropped > 0) {
      const dropped = `${this.#notesDropped} lines of the node about this workload were dropped.`;
      this.#notesDropped = 0;
      this.#record(id, { time: new Date().toISOString(), level: "warn", stream: "node", text: dropped });
    }
    this.#record(id, {
      time: new Date().toISOString(),
      level,
      stream: "node",
      text,
      ...(invocationId === undefined ? {} : { invocation_id: invocationId }),
    });
  }

  event(type: EventType, data: Readonly<Record<string, unknown>>): void {
    this.#feeds.publishEvent(
      createEvent(type, this.#feeds.source, this.#namespace, { ...data, workload_name: this.#workload }),
    );
  }

  #record(id: string, record: Omit<LogRecord, "workload" | "namespace" | "id">): void {
    this.#feeds.publishLog({ ...record, workload: this.#workload, namespace: this.#namespace, id });
  }

  #renew(): void {
    const now = Date.now();
    const earned = ((now - this.#renewedAt) / 1000) * ALLOWANCE_PER_SECOND;
    this.#allowance = Math.min(2 * ALLOWANCE_PER_SECOND, this.#allowance + earned);
    this.#renewedAt = now;
  }
}

/** The clock is the guest's: a time that no calendar knows must not throw here. */
function timeOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? new Date().toISOString() : date.toISOString();
}
