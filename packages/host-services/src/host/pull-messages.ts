import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream";
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

/** Long for a server that has something to send, ms. */
const QUIET_MS = 250;

/**
 * Reads the messages that a stream has now, in order, no faster than they are taken.
 *
 * The lists and objects of nats.js do it by consumers that stay on the server for five minutes, and take in what comes
 * whoever wants it. The consumer of this one is deleted at the end, however it ends.
 *
 * @throws JetStreamApiError, TimeoutError, ClosedConnectionError of nats.js; what `signal` was aborted with
 */
export async function* pullMessages(order: PullOrder): AsyncGenerator<Msg, void, undefined> {
  const { connection, manager, apiPrefix = "$JS.API", stream } = order;
  order.signal?.throwIfAborted();
  const consumer = await manager.consumers.add(stream, {
    filter_subject: order.filter,
    ack_policy: AckPolicy.None,
    deliver_policy: order.lastOfSubject === true ? DeliverPolicy.LastPerSubject : DeliverPolicy.All,
    ...(order.headersOnly === true ? { headers_only: true } : {}),
    inactive_threshold: nanos(CONSUMER_IDLE_MS),
    mem_storage: true,
    num_replicas: 1,
  });
  const inbox = createInbox(inboxPrefix(connection));
  const subscription = connection.subscribe(inbox);
  const incoming = subscription[Symbol.asyncIterator]();
  /** Nothing is left, and all that the server has sent has arrived. */
  const isOver = async (received: number): Promise<boolean> => {
    const { num_pending, delivered } = await manager.consumers.info(stream, consumer.name);
    return num_pending === 0 && delivered.consumer_seq === received;
  };
  try {
    for (let received = 0; received < consumer.num_pending;) {
      const batch = Math.min(consumer.num_pending - received, order.batch);
      connection.publish(
        `${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer.name}`,
        JSON.stringify({ batch, no_wait: true }),
        { reply: inbox },
      );
      for (const end = received + batch; received < end; received++) {
        const message = await nextOf(incoming, order, async () => await isOver(received));
        // Fewer than there were at first: some were removed in the meantime.
        if (message === undefined || isStatus(message)) return;
        yield message;
      }
    }
  } finally {
    subscription.unsubscribe();
    await manager.consumers.delete(stream, consumer.name).catch(() => undefined);
  }
}

/**
 * The next message; `undefined` if none will come. A server whose messages are removed while it sends them may say
 * nothing more (tried: 2.9.10), so after some quiet it is asked.
 */
async function nextOf(
  incoming: AsyncIterator<Msg>,
  { timeoutMs, signal }: PullOrder,
  isOver: () => Promise<boolean>,
): Promise<Msg | undefined> {
  const next = incoming.next();
  const deadline = performance.now() + timeoutMs;
  for (let pause = Math.min(QUIET_MS, timeoutMs); ; pause = deadline - performance.now()) {
    const result = await within(next, pause, signal);
    if (result?.done === true) throw new errors.ClosedConnectionError();
    if (result !== undefined) return result.value;
    // A timer may be a moment early.
    if (performance.now() >= deadline - 1) throw new errors.TimeoutError();
    if (await isOver()) return undefined;
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
