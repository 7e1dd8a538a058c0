import type { NexError } from "@nex/protocol";

/** Characters of an error: a function's own may be as long as it likes. */
const MAX_MESSAGE = 500;

export interface InvocationCounts {
  ok: number;
  failed: number;
}

/** What has come of the messages of one trigger. */
export interface TriggerStats {
  readonly requests: number;
  readonly errors: number;
  /** From handing the message to the runner to its outcome, of all together, ms. */
  readonly processingMs: number;
  /** Of the last message that failed; empty if none has. */
  readonly lastError: string;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Counts an instance's invocations, in all and for each of its triggers. */
export class InvocationStats {
  readonly counts: InvocationCounts = { ok: 0, failed: 0 };
  readonly #triggers: Writable<TriggerStats>[] = [];

  /** By a trigger's place in the deploy. */
  of(trigger: number): TriggerStats {
    return (this.#triggers[trigger] ??= { requests: 0, errors: 0, processingMs: 0, lastError: "" });
  }

  succeeded(trigger: number, tookMs: number): void {
    this.counts.ok++;
    this.#count(trigger, tookMs);
  }

  /** @param tookMs 0 for a message that was not run */
  failed(trigger: number, tookMs: number, { code, message }: NexError): void {
    this.counts.failed++;
    const stats = this.#count(trigger, tookMs);
    stats.errors++;
    stats.lastError = `${code}: ${message.slice(0, MAX_MESSAGE)}`;
  }

  #count(trigger: number, tookMs: number): Writable<TriggerStats> {
    const stats = this.of(trigger) as Writable<TriggerStats>;
    stats.requests++;
    stats.processingMs += tookMs;
    return stats;
  }
}
