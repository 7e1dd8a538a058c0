import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";

/** Instances of a workload share its messages by being in one queue group, on one node and on several. */
export function queueGroup(namespace: string, name: string): string {
  return `nex.${namespace}.${name}`;
}

export interface TriggerSubscriptionOptions {
  readonly connection: NatsConnection;
  readonly queue: string;
  readonly pattern: string;
  readonly onMessage: (message: Msg) => void;
  readonly onRefused: (subject: string, error: Error) => void;
}

/** The NATS subscription to one trigger subject. */
export class TriggerSubscription {
  readonly #subscription: Subscription;
  #refusal: NexError | undefined;

  constructor({ connection, queue, pattern, onMessage, onRefused }: TriggerSubscriptionOptions) {
    this.#subscription = connection.subscribe(pattern, {
      queue,
      callback: (error, message) => {
        if (error === null) onMessage(message);
        else {
          this.#refusal ??= refused(pattern, error);
          onRefused(pattern, error);
        }
      },
    });
  }

  /** @throws NexError `not_allowed` */
  throwIfRefused(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Takes no more messages; those the server has already sent still arrive. Never throws. */
  async drain(): Promise<void> {
    await this.#subscription.drain().catch(() => undefined);
  }

  unsubscribe(): void {
    if (!this.#subscription.isClosed()) this.#subscription.unsubscribe();
  }
}

function refused(pattern: string, cause: Error): NexError {
  return new NexError(
    "not_allowed",
    `The NATS server refused the trigger "${pattern}": ${cause.message}. The namespace's credentials must allow to subscribe to it.`,
    { cause, data: { subject: pattern } },
  );
}
