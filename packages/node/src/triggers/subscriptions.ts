import { setTimeout as sleep } from "node:timers/promises";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { isReserved, NexError, subjectMatches, subjectsOverlap } from "@nex/protocol";

/** The server confirms an unsubscribe within a round trip; one that is away must not hold up a stop, ms. */
const DRAIN_MS = 2000;

/** Replicas of a workload share its messages by being in one queue group. */
export function queueGroup(namespace: string, name: string): string {
  return `nex.${namespace}.${name}`;
}

export interface TriggerSubscriptionsOptions {
  readonly connection: NatsConnection;
  readonly queue: string;
  readonly triggers: readonly string[];
  readonly onMessage: (patternIndex: number, message: Msg) => void;
  /** The server refused a subscription after it was {@link TriggerSubscriptions.confirm confirmed}: rights were taken away. */
  readonly onRefused: (subject: string, error: Error) => void;
}

/** The NATS subscriptions of one instance: one for each trigger subject. */
export class TriggerSubscriptions {
  readonly #connection: NatsConnection;
  readonly #subscriptions: readonly Subscription[];
  #refusal: NexError | undefined;

  constructor(options: TriggerSubscriptionsOptions) {
    this.#connection = options.connection;
    this.#subscriptions = options.triggers.map((pattern, index) => {
      const indexOf = indexer(options.triggers, index);
      return options.connection.subscribe(pattern, {
        queue: options.queue,
        callback: (error, message) => {
          if (error !== null) this.#refuse(pattern, error, options);
          else {
            const found = indexOf === undefined ? index : indexOf(message.subject);
            if (found !== -1) options.onMessage(found, message);
          }
        },
      });
    });
  }

  /** Resolves when the server has all subscriptions. @throws NexError `not_allowed` if it refused one, `connection_failed`, `cancelled` */
  async confirm(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<never>();
    const stop = (): void =>
      stopped.reject(new NexError("cancelled", "The deploy was withdrawn.", { cause: signal.reason }));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      // A server that is away answers when it is back: the caller may not want to wait for that.
      await Promise.race([this.#flush(), stopped.promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Takes no more messages; those the server has already sent still arrive. */
  async drain(): Promise<void> {
    const timer = new AbortController();
    const late = sleep(DRAIN_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([
      Promise.all(this.#subscriptions.map(async (subscription) => await subscription.drain().catch(() => undefined))),
      late,
    ]);
    timer.abort();
    // Those that were not confirmed must not come back with the server.
    for (const subscription of this.#subscriptions) if (!subscription.isClosed()) subscription.unsubscribe();
  }

  async #flush(): Promise<void> {
    try {
      await this.#connection.flush();
    } catch (cause) {
      throw new NexError(
        "connection_failed",
        "The connection to NATS was lost while the function was subscribed to its triggers. Deploy it again.",
        { cause },
      );
    }
  }

  #refuse(pattern: string, error: Error, { onRefused }: TriggerSubscriptionsOptions): void {
    this.#refusal ??= new NexError(
      "not_allowed",
      `The NATS server refused the trigger "${pattern}": ${error.message}. The namespace's credentials must allow to subscribe to it.`,
      { cause: error, data: { subject: pattern } },
    );
    onRefused(pattern, error);
  }
}

/**
 * How a subscription finds the trigger that a message counts for, -1 for none; `undefined` if it is always its own.
 *
 * A message that several triggers take in counts for the first of them in the list. Which subscription brings it
 * is chance: they are in one queue group, and the server delivers it to one member. A leading wildcard does not
 * take in subjects of the server's own.
 */
function indexer(triggers: readonly string[], index: number): ((subject: string) => number) | undefined {
  const pattern = triggers[index]!;
  if (triggers.some((other, at) => at !== index && subjectsOverlap(other, pattern))) {
    return (subject) => triggers.findIndex((trigger) => subjectMatches(trigger, subject));
  }
  const leadingWildcard = pattern.startsWith("*") || pattern.startsWith(">");
  return leadingWildcard ? (subject) => (isReserved(subject) ? -1 : index) : undefined;
}
