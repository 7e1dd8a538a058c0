import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { subjectMatches, subjectsOverlap } from "@nex/protocol";
import { isForLeadingWildcard } from "./answers.ts";

/** Replicas of a workload share its messages by being in one queue group. */
export function queueGroup(namespace: string, name: string): string {
  return `nex.${namespace}.${name}`;
}

export interface TriggerSubscriptionsOptions {
  readonly connection: NatsConnection;
  readonly queue: string;
  readonly triggers: readonly string[];
  readonly onMessage: (patternIndex: number, message: Msg) => void;
  /** The server refused a subscription, as when the namespace's credentials do not reach it. */
  readonly onRefused: (subject: string, error: Error) => void;
}

/** The NATS subscriptions of one instance: one for each trigger subject. */
export class TriggerSubscriptions {
  readonly #subscriptions: readonly Subscription[];

  constructor(options: TriggerSubscriptionsOptions) {
    this.#subscriptions = options.triggers.map((pattern, index) => {
      const takes = acceptance(options.triggers, index);
      return options.connection.subscribe(pattern, {
        queue: options.queue,
        callback: (error, message) => {
          if (error !== null) options.onRefused(pattern, error);
          else if (takes === undefined || takes(message.subject)) options.onMessage(index, message);
        },
      });
    });
  }

  /** Takes no more messages; those the server has already sent still arrive. */
  async drain(): Promise<void> {
    await Promise.all(this.#subscriptions.map(async (subscription) => await subscription.drain().catch(() => undefined)));
  }
}

/**
 * What a subscription has to check for each message; `undefined` if nothing.
 *
 * A message that several triggers of a workload take in is run once, for the first of them in the list: the
 * server delivers it once for each. And a leading wildcard does not take in subjects of the server's own.
 */
function acceptance(triggers: readonly string[], index: number): ((subject: string) => boolean) | undefined {
  const pattern = triggers[index]!;
  const earlier = triggers.slice(0, index).filter((other) => subjectsOverlap(other, pattern));
  const leadingWildcard = pattern.startsWith("*") || pattern.startsWith(">");
  if (earlier.length === 0) return leadingWildcard ? isForLeadingWildcard : undefined;
  return (subject) => (!leadingWildcard || isForLeadingWildcard(subject)) && !earlier.some((other) => subjectMatches(other, subject));
}
