import { encodeServiceAnswer } from "@nex/link";
import { NexError, subjectMatches } from "@nex/protocol";
import { createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { readHeaders, writeHeaders } from "../host/message-headers.ts";
import { sizeOf } from "../host/message-size.ts";
import { checkConnected, fromNatsError, isNoResponders, isTimeout } from "../host/nats-errors.ts";
import { inboxPrefix, Requests } from "../host/requests.ts";
import type { HostService, OpenService, ServiceCall, ServiceReply, ServiceScope } from "../host/service.ts";
import { MAX_ANSWERS, MAX_WAIT_MS, MESSAGING_CODE, MessagingMethod } from "./contract.ts";

export const messagingHost: HostService = {
  name: "messaging",
  code: MESSAGING_CODE,
  methods: MessagingMethod,
  usesNats: true,
  isEnabled: (config) => config.messaging.enabled,
  open: (scope) => new MessagingHost(scope),
};

/** Bytes of answers one `requestMany` may collect. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

const NOTHING: ServiceReply = {};

class MessagingHost implements OpenService {
  readonly #scope: ServiceScope;
  readonly #connection: NatsConnection;

  constructor(scope: ServiceScope) {
    this.#scope = scope;
    this.#connection = scope.connection;
  }

  async call(call: ServiceCall): Promise<ServiceReply> {
    const [subject = ""] = call.args;
    this.#scope.checkSubject(subject);
    checkConnected(this.#connection);
    try {
      switch (call.method) {
        case MessagingMethod.publish:
          return this.#publish(subject, call);
        case MessagingMethod.request:
          return await this.#request(subject, call);
        case MessagingMethod.requestMany:
          return await this.#requestMany(subject, call);
        default:
          throw new NexError("unknown_method", `The messaging service has no method ${call.method}.`);
      }
    } catch (error) {
      throw messagingError(error, subject);
    }
  }

  #publish(subject: string, call: ServiceCall): ServiceReply {
    const reply = call.args[1] ?? "";
    if (reply !== "") this.#scope.checkSubject(reply);
    const headers = writeHeaders(call.headers);
    this.#connection.publish(subject, call.payload, {
      ...(headers === undefined ? {} : { headers }),
      ...(reply === "" ? {} : { reply }),
    });
    return NOTHING;
  }

  async #request(subject: string, call: ServiceCall): Promise<ServiceReply> {
    const timeoutMs = this.#time(call.args[1]);
    checkNotSelf(subject, call);
    const { payload } = call;
    const order = { subject, payload, headers: writeHeaders(call.headers), timeoutMs };
    const withdrawal = (withdraw: (reason: Error) => void): void => call.whenWithdrawn(withdraw);
    const answer = await Requests.over(this.#connection)
      .request({ ...order, withdrawal })
      .catch((error: unknown) => {
        throw isTimeout(error) ? noAnswer(subject, timeoutMs, error) : error;
      });
    return { args: [answer.subject], headers: readHeaders(answer) ?? [], payload: answer.data };
  }

  async #requestMany(subject: string, call: ServiceCall): Promise<ServiceReply> {
    const [, time, count = "", quiet = ""] = call.args;
    const order = {
      timeMs: this.#time(time),
      count: count === "" ? MAX_ANSWERS : readCount(count),
      quietMs: quiet === "" ? undefined : readTime(quiet),
    };
    checkNotSelf(subject, call);
    const answers = await new Collector(this.#connection, order).collect(subject, call);
    const frames = answers.map((answer) => frameOf(answer));
    return {
      body: (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield* frames;
      })(),
    };
  }

  #time(text = ""): number {
    return text === "" ? this.#scope.config.messaging.request_timeout_ms : readTime(text);
  }
}

interface Collection {
  readonly timeMs: number;
  readonly count: number;
  readonly quietMs: number | undefined;
}

/** Collects answers until there are enough, it has been quiet for a while, or time is up. */
class Collector {
  readonly #connection: NatsConnection;
  readonly #order: Collection;

  constructor(connection: NatsConnection, order: Collection) {
    this.#connection = connection;
    this.#order = order;
  }

  async collect(subject: string, call: ServiceCall): Promise<Msg[]> {
    const { timeMs, count, quietMs } = this.#order;
    const answers: Msg[] = [];
    const done = Promise.withResolvers<void>();
    let bytes = 0;
    let quiet: NodeJS.Timeout | undefined;
    const inbox = createInbox(inboxPrefix(this.#connection));
    const subscription = this.#connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return done.reject(error);
        if (message.headers?.code === 503) return done.reject(noResponders(subject));
        // More may come in before the end of the subscription takes effect.
        if (answers.length >= count) return;
        try {
          call.hold(sizeOf(message));
        } catch (overloaded) {
          return done.reject(overloaded);
        }
        answers.push(message);
        bytes += sizeOf(message);
        if (answers.length >= count) return done.resolve();
        if (bytes > MAX_ANSWER_BYTES) {
          return done.reject(
            new NexError("too_large", `The answers have more than ${MAX_ANSWER_BYTES} bytes together; ask for fewer.`),
          );
        }
        if (quietMs === undefined) return;
        clearTimeout(quiet);
        quiet = setTimeout(() => done.resolve(), quietMs);
      },
    });
    const timer = setTimeout(() => done.resolve(), timeMs);
    const withdraw = (): void => done.reject(call.signal.reason);
    call.signal.addEventListener("abort", withdraw, { once: true });
    try {
      const headers = writeHeaders(call.headers);
      this.#connection.publish(subject, call.payload, {
        reply: inbox,
        ...(headers === undefined ? {} : { headers }),
      });
      await done.promise;
      return answers;
    } finally {
      clearTimeout(timer);
      clearTimeout(quiet);
      call.signal.removeEventListener("abort", withdraw);
      if (!subscription.isClosed()) subscription.unsubscribe();
    }
  }
}

function frameOf(answer: Msg): Buffer {
  const head = encodeServiceAnswer([answer.subject], readHeaders(answer) ?? []);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(head.length + answer.data.length);
  return Buffer.concat([length, head, answer.data]);
}

/** A guest that waits cannot answer: its request to its own trigger would wait until the deadline. */
function checkNotSelf(subject: string, call: ServiceCall): void {
  const own = call.blockedTriggers.find((pattern) => subjectMatches(pattern, subject));
  if (own === undefined) return;
  throw new NexError(
    "self_request",
    `A request on "${subject}" would wait for this function itself (its trigger is "${own}"), which runs one invocation at a time. Publish instead, or let it run several (the module form, --max-in-flight).`,
    { data: { subject, trigger: own } },
  );
}

function readTime(text: string): number {
  const ms = Number(text);
  if (Number.isFinite(ms) && ms >= 1 && ms <= MAX_WAIT_MS) return ms;
  throw new NexError("invalid_request", `"${text.slice(0, 40)}" is not a time: use 1 to ${MAX_WAIT_MS} ms.`);
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1 && count <= MAX_ANSWERS) return count;
  throw new NexError("invalid_request", `"${text.slice(0, 40)}" is not a count: use 1 to ${MAX_ANSWERS}.`);
}

function messagingError(error: unknown, subject: string): NexError {
  if (isNoResponders(error)) return noResponders(subject);
  if (error instanceof Error && /max_payload/i.test(error.message))
    return new NexError("too_large", `The message on "${subject}" with its headers is larger than the server takes.`);
  return fromNatsError(error, `The message on "${subject}" was not sent`);
}

function noResponders(subject: string): NexError {
  return new NexError("no_responders", `Nobody is subscribed to "${subject}".`, { data: { subject } });
}

function noAnswer(subject: string, timeoutMs: number, cause: unknown): NexError {
  return new NexError("timeout", `Nobody answered on "${subject}" within ${timeoutMs} ms (option timeoutMs).`, {
    cause,
    data: { subject, timeout_ms: timeoutMs },
  });
}
