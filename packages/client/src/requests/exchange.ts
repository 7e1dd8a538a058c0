import type { Msg, MsgHdrs, NatsConnection, Payload, QueuedIterator } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import { natsError, noAnswer } from "./nats-errors.ts";

export interface ExchangeOptions {
  /** Until the last reply that counts. */
  readonly timeoutMs: number;
  readonly headers?: MsgHdrs;
  /** Each one that is aborted ends the wait. What was asked may happen all the same. */
  readonly signals?: readonly AbortSignal[];
}

export interface CollectOptions extends ExchangeOptions {
  /** Once it is aborted, no more replies are waited for. */
  readonly enough?: AbortSignal;
  /** Once a reply has come: how long to wait for the next before that was all, ms. */
  readonly quietMs: number;
}

/**
 * Sends one message and waits for its reply.
 * @throws NexError `no_node` if nobody listens, `timeout`, `not_allowed`, `too_large`, `cancelled`, `connection_failed`
 */
export async function request(
  connection: NatsConnection,
  subject: string,
  body: Payload,
  options: ExchangeOptions,
): Promise<Msg> {
  const replies = exchange(connection, subject, body, options, { strategy: "count", maxMessages: 1 });
  for await (const reply of replies) return reply;
  throw noAnswer(subject, options.timeoutMs);
}

/**
 * Sends one message and yields the replies as they come. Ends after a quiet time or when time is up; whoever
 * has heard enough leaves the loop, and nothing stays behind.
 * @throws NexError as {@link request} does, except for `timeout`
 */
export function collect(
  connection: NatsConnection,
  subject: string,
  body: Payload,
  options: CollectOptions,
): AsyncGenerator<Msg> {
  return exchange(connection, subject, body, options, { strategy: "stall", stall: options.quietMs });
}

type Strategy =
  | { readonly strategy: "count"; readonly maxMessages: 1 }
  | { readonly strategy: "stall"; readonly stall: number };

async function* exchange(
  connection: NatsConnection,
  subject: string,
  body: Payload,
  { timeoutMs, headers, signals = [], enough }: ExchangeOptions & Pick<CollectOptions, "enough">,
  strategy: Strategy,
): AsyncGenerator<Msg> {
  for (const signal of signals) if (signal.aborted) throw cancelled(signal);
  const ended = new AbortController();
  let replies: QueuedIterator<Msg> | undefined;
  // The library's own limit would start anew with each reply.
  const timer = setTimeout(() => replies?.stop(), timeoutMs);
  try {
    const extra = headers === undefined ? {} : { headers };
    replies = (await connection.requestMany(subject, body, {
      ...strategy,
      ...extra,
      maxWait: timeoutMs,
    })) as QueuedIterator<Msg>;
    for (const signal of signals) {
      if (signal.aborted) throw cancelled(signal);
      signal.addEventListener("abort", () => replies?.stop(cancelled(signal)), { signal: ended.signal });
    }
    enough?.addEventListener("abort", () => replies?.stop(), { signal: ended.signal });
    yield* replies;
  } catch (error) {
    throw natsError(error, subject);
  } finally {
    clearTimeout(timer);
    ended.abort();
    replies?.stop();
  }
}

function cancelled(signal: AbortSignal): NexError {
  return new NexError("cancelled", "The request was cancelled by its caller.", { cause: signal.reason });
}
