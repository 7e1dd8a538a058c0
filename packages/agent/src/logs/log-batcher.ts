import type { LogLevel, LogStream } from "@nex/protocol";
import type { LinkLogRecord, LogBatch } from "@nex/link";

/** How long a record may wait for company, ms: a person following a log does not notice. */
const LINGER_MS = 20;

/** Per batch, so per {@link LINGER_MS}. What comes in faster is counted and dropped. */
const MAX_RECORDS = 256;
const MAX_BYTES = 128 * 1024;

/** A longer line is cut. */
const MAX_TEXT = 16 * 1024;

export interface LogOutlet {
  /** True while the node does not keep up. */
  readonly congested: boolean;
  send(batch: LogBatch): void;
}

/** Gathers log records into batches and bounds them: a flood costs its author records, not the node its memory. */
export class LogBatcher {
  readonly #outlet: LogOutlet;
  #records: LinkLogRecord[] = [];
  #bytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(outlet: LogOutlet) {
    this.#outlet = outlet;
  }

  add(level: LogLevel, stream: LogStream, text: string, invocation?: string): void {
    this.#timer ??= setTimeout(() => this.flush(), LINGER_MS).unref();
    if (this.#records.length >= MAX_RECORDS || this.#bytes >= MAX_BYTES) {
      this.#dropped++;
      return;
    }
    const kept =
      text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more characters)` : text;
    this.#bytes += kept.length;
    this.#records.push({
      at: Date.now(),
      level,
      stream,
      text: kept,
      ...(invocation === undefined ? {} : { invocation }),
    });
  }

  /** Sends what was gathered now, as when the process is about to end. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#records.length === 0 && this.#dropped === 0) return;
    if (this.#outlet.congested) {
      this.#timer = setTimeout(() => this.flush(), LINGER_MS).unref();
      return;
    }
    const batch = { records: this.#records, dropped: this.#dropped };
    this.#records = [];
    this.#bytes = 0;
    this.#dropped = 0;
    this.#outlet.send(batch);
  }
}
