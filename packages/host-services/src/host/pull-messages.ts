import { setTimeout as sleep } from "node:timers/promises";
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
} from "@nats-io/jetstream";
import { createInbox, errors, type Msg, nanos, type NatsConnection } from "@nats-io/transport-node";
import { inboxPrefix } from "./requests.ts";

export interface PullOrder {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** Where JetStream's API is, with a domain or another account's prefix. Default `$JS.API`. */
  readonly apiPrefix?: string;
  readonly stream: string;
  /** Subject or pattern of the messages. */
  readonly filter: string;
  /** Only the last message of each subject. Default: all. */
  readonly lastOfSubject?: boolean;
  /** Without the payloads. Default false. */
  readonly headersOnly?: boolean;
  /** Messages asked for at once, and so the most that are held here. */
  readonly batch: number;
  /** Nothing comes for this long: TimeoutError, ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Only a process that dies while it reads leaves its consumer to the server, for so long, ms. */
const CONSUMER_IDLE_MS = 30_000;

/** Between an order that nobody heard and the next, ms. */
const UNHEARD_MS = 50;

/** What a server says it has sent and has not come after so long is lost, ms. */
const LOST_MS = 1000;

/** Long for a server that has something to send, ms. */
const QUIET_MS = 250;

interface Incoming {
  readonly messages: AsyncIterator<Msg>;
  /** Waited for already. */
  next: Promise<IteratorResult<Msg>> | undefined;
}

/**
 * Reads the messages that a stream has now, in order, no faster than they are taken.
 *
 * The lists and objects of nats.js do it by consumers that stay on the server for five minutes, and take in what comes
 * whoever wants it. The consumer of this one is deleted at the end, however it ends.
 *
 * @throws JetStreamApiError, TimeoutError, ClosedConnectionError of nats.js; what `signal` was aborted with
 */
export async function* pullMessages(order: PullOrder): AsyncGenerator<Msg, void, undefined> {
  const progress: Progress = { sequence: 0, heardAt: performance.now() };
  // In a cluster what a server sends may be lost before it knows who listens: then a new consumer goes on from there.
  while ((yield* pullOnce(order, progress)) === "lost");
}

/** How far a read has come. */
interface Progress {
  /** Of the last message, in the stream. */
  sequence: number;
  /** When the last one came, or was taken. */
  heardAt: number;
}

type Outlook = "over" | "unasked" | "coming";

async function* pullOnce(order: PullOrder, progress: Progress): AsyncGenerator<Msg, "over" | "lost", undefined> {
  const { connection, manager, apiPrefix = "$JS.API", stream, signal } = order;
  signal?.throwIfAborted();
  const inbox = createInbox(inboxPrefix(connection));
  // Before the consumer is made, so that its server has heard of the subscription by then.
  const subscription = connection.subscribe(inbox);
  const incoming: Incoming = { messages: subscription[Symbol.asyncIterator](), next: undefined };
  let consumer: ConsumerInfo | undefined;
  try {
    consumer = await manager.consumers.add(stream, configOf(order, progress)).catch((error: unknown) => {
      // A cluster that has lost its leader answers once it has another.
      if (error instanceof errors.TimeoutError && performance.now() < progress.heardAt + order.timeoutMs)
        return undefined;
      throw error;
    });
    if (consumer === undefined) return "lost";
    const { name, num_pending: count } = consumer;
    const pull = (batch: number): void => {
      const subject = `${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${name}`;
      connection.publish(subject, JSON.stringify({ batch, no_wait: true }), { reply: inbox });
    };
    /** Whether anything is still to come, once all that the server has sent has arrived. */
    const look = async (received: number): Promise<Outlook> => {
      const { num_pending, delivered } = await manager.consumers.info(stream, name);
      if (delivered.consumer_seq !== received) return "coming";
      return num_pending === 0 ? "over" : "unasked";
    };
    for (let received = 0; received < count;) {
      const end = received + Math.min(count - received, order.batch);
      pull(end - received);
      while (received < end) {
        const message = await nextOf(incoming, order, progress, async () => await look(received));
        if (message === "lost") return "lost";
        if (message === "unasked" || (message !== "over" && isUnheard(message))) {
          await sleep(UNHEARD_MS, undefined, signal === undefined ? {} : { signal });
          pull(end - received);
          continue;
        }
        // Fewer than there were at first: some were removed in the meantime.
        if (message === "over" || isStatus(message)) return "over";
        received++;
        const sequence = sequenceOf(message);
        // The last of each subject cannot be begun in the middle.
        if (sequence > progress.sequence) {
          progress.sequence = sequence;
          yield message;
        }
        progress.heardAt = performance.now();
      }
    }
    return "over";
  } finally {
    subscription.unsubscribe();
    if (consumer !== undefined) await manager.consumers.delete(stream, consumer.name).catch(() => undefined);
  }
}

function configOf({ filter, lastOfSubject, headersOnly }: PullOrder, { sequence }: Progress): Partial<ConsumerConfig> {
  const from =
    lastOfSubject === true
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : sequence === 0
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence + 1 };
  return {
    filter_subject: filter,
    ack_policy: AckPolicy.None,
    ...from,
    ...(headersOnly === true ? { headers_only: true } : {}),
    inactive_threshold: nanos(CONSUMER_IDLE_MS),
    mem_storage: true,
    num_replicas: 1,
  };
}

/**
 * The next message, or what became of it. A server whose messages are removed while it sends them may say nothing
 * more, and in a cluster an order or its answer may be lost before all servers know of both (tried: 2.9.10), so after
 * some quiet it is asked.
 */
async function nextOf(
  incoming: Incoming,
  { timeoutMs, signal }: PullOrder,
  progress: Progress,
  look: () => Promise<Outlook>,
): Promise<Msg | "over" | "unasked" | "lost"> {
  incoming.next ??= incoming.messages.next();
  const deadline = progress.heardAt + timeoutMs;
  const quietSince = performance.now();
  for (;;) {
    const result = await within(incoming.next, Math.min(QUIET_MS, deadline - performance.now()), signal);
    if (result?.done === true) throw new errors.ClosedConnectionError();
    if (result !== undefined) {
      incoming.next = undefined;
      return result.value;
    }
    // A timer may be a moment early.
    if (performance.now() >= deadline - 1) throw new errors.TimeoutError();
    const outlook = await look();
    if (outlook === "over") return outlook;
    // The question may have taken long itself.
    if (performance.now() >= deadline - 1) throw new errors.TimeoutError();
    if (outlook === "unasked") return outlook;
    if (performance.now() - quietSince > LOST_MS) return "lost";
  }
}

/** `undefined` when it is late. @throws what `signal` was aborted with */
async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal | undefined): Promise<T | undefined> {
  const done = new AbortController();
  const late = sleep(Math.max(0, ms), undefined, {
    signal: signal === undefined ? done.signal : AbortSignal.any([done.signal, signal]),
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    done.abort();
  }
}

/** No message of the stream's but the server's word on the pull: `404 No Messages`, `408 Request Timeout` and others. */
function isStatus({ data, headers }: Msg): boolean {
  return data.length === 0 && headers !== undefined && headers.code >= 400;
}

/** The server knows of nobody who would answer. */
function isUnheard({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === 503;
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.…`, with domain and account before the stream on newer servers. */
export function sequenceOf({ reply = "" }: Msg): number {
  const tokens = reply.split(".");
  return Number(tokens[tokens.length > 9 ? 7 : 5]);
}
