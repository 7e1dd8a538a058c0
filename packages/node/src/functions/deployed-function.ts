import { setTimeout as sleep } from "node:timers/promises";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import { TriggerSubscription } from "../triggers/trigger-subscription.ts";
import type { Dispatcher } from "./dispatcher.ts";

export interface DeployedFunctionOptions {
  readonly connection: NatsConnection;
  /** Queue group of all its subscriptions, here and on other nodes. */
  readonly queue: string;
  /** The server refused a subscription that it had confirmed: rights were taken away. */
  readonly onRefused: (subject: string, error: Error) => void;
}

/** The server confirms an unsubscribe within a round trip; one that is away must not hold up a stop, ms. */
const DRAIN_MS = 2000;

/**
 * A function on this node for as long as it is deployed: its subscriptions, and the dispatcher of the revision that
 * takes messages. A redeploy changes the dispatcher under subscriptions that stay; instances come and go below it.
 */
export class DeployedFunction {
  readonly #options: DeployedFunctionOptions;
  /** By the trigger's pattern. */
  readonly #subscriptions: Map<string, TriggerSubscription> = new Map();
  /** Of the revision that takes messages. */
  #current: Dispatcher | undefined;
  /** Of the one that is coming up: takes only messages that the current one has no trigger for. */
  #coming: Dispatcher | undefined;
  /** Of earlier ones, which take what their subscriptions still bring. */
  readonly #retiring: Set<Dispatcher> = new Set();

  constructor(options: DeployedFunctionOptions) {
    this.#options = options;
  }

  /**
   * Subscribes to triggers of the next revision that the current one has not. Resolves when the server has them all.
   * @throws NexError `not_allowed` where it refuses one, `connection_failed`, `cancelled`; all is then as before
   */
  async open(next: Dispatcher, signal: AbortSignal): Promise<void> {
    this.#coming = next;
    const { connection, queue, onRefused } = this.#options;
    const added = next.triggers.patterns.filter((pattern) => !this.#subscriptions.has(pattern));
    for (const pattern of added) {
      const onMessage = (message: Msg): void => this.#route(pattern, message);
      this.#subscriptions.set(pattern, new TriggerSubscription({ connection, queue, pattern, onMessage, onRefused }));
    }
    try {
      await confirmed(connection, signal);
      for (const pattern of added) this.#subscriptions.get(pattern)?.throwIfRefused();
    } catch (error) {
      this.abandon(next);
      throw error;
    }
  }

  /** Takes back what {@link open} did for a revision that does not come up after all. */
  abandon(next: Dispatcher): void {
    if (this.#coming !== next) return;
    this.#coming = undefined;
    for (const pattern of this.#unused()) this.#take(pattern)?.unsubscribe();
  }

  /** Has an opened revision take the messages from now on, those that wait for the one before among them. */
  switchTo(next: Dispatcher): void {
    const before = this.#current;
    this.#coming = undefined;
    this.#current = next;
    if (before === undefined) return;
    this.#retiring.add(before);
    before.handOver(next);
  }

  /** Resolves when a revision that another has taken over from has nothing left to do. */
  async retire(before: Dispatcher): Promise<void> {
    await this.#drain(this.#unused().map((pattern) => this.#take(pattern)!));
    await finish(before);
    this.#retiring.delete(before);
  }

  /** Takes no more messages, and lets what waits or is in flight finish. */
  async close(): Promise<void> {
    const subscriptions = [...this.#subscriptions.values()];
    await this.#drain(subscriptions);
    this.#subscriptions.clear();
    if (this.#current !== undefined) await finish(this.#current);
    this.#current = undefined;
  }

  #route(pattern: string, message: Msg): void {
    const { subject } = message;
    const index = this.#current?.triggers.indexOf(pattern, subject) ?? -1;
    if (index !== -1) {
      this.#current!.dispatch(index, message);
      return;
    }
    for (const dispatcher of [this.#coming, ...this.#retiring]) {
      const found = dispatcher?.triggers.indexOf(pattern, subject) ?? -1;
      if (found === -1) continue;
      dispatcher!.dispatch(found, message);
      return;
    }
  }

  /** Patterns of subscriptions that neither the current revision nor the coming one has. */
  #unused(): string[] {
    const used = new Set([this.#current, this.#coming].flatMap((each) => each?.triggers.patterns ?? []));
    return [...this.#subscriptions.keys()].filter((pattern) => !used.has(pattern));
  }

  #take(pattern: string): TriggerSubscription | undefined {
    const subscription = this.#subscriptions.get(pattern);
    this.#subscriptions.delete(pattern);
    return subscription;
  }

  /** Those the server has already sent still arrive. */
  async #drain(subscriptions: readonly TriggerSubscription[]): Promise<void> {
    const timer = new AbortController();
    const late = sleep(DRAIN_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([Promise.all(subscriptions.map(async (each) => await each.drain())), late]);
    timer.abort();
    // Those that were not confirmed must not come back with the server.
    for (const subscription of subscriptions) subscription.unsubscribe();
  }
}

/** Without a runner nothing of it would ever finish. */
async function finish(dispatcher: Dispatcher): Promise<void> {
  if (dispatcher.isReachable) await dispatcher.whenIdle();
  dispatcher.close(new NexError("interrupted", "The function was stopped before it could take this message."));
}

/** Resolves when the server has all that was sent so far. A server that is away answers when it is back: not everybody waits for that. */
async function confirmed(connection: NatsConnection, signal: AbortSignal): Promise<void> {
  const stopped = Promise.withResolvers<never>();
  const stop = (): void =>
    stopped.reject(new NexError("cancelled", "The deploy was withdrawn.", { cause: signal.reason }));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.race([flush(connection), stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function flush(connection: NatsConnection): Promise<void> {
  try {
    await connection.flush();
  } catch (cause) {
    throw new NexError(
      "connection_failed",
      "The connection to NATS was lost while the function was subscribed to its triggers. Deploy it again.",
      { cause },
    );
  }
}
