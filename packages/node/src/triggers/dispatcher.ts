import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { type ByteBudget, readHeaders, sizeOf, writeHeaders } from "@nex/host-services/host";
import { DeadlineClock, decodeReply, encodeTriggerHead, type Link, TRIGGER_CODE } from "@nex/link";
import { NexError } from "@nex/protocol";
import { answerError, forCaller, mayReplyTo } from "./answers.ts";
import { InvocationStats } from "./invocation-stats.ts";
import { MessageQueue } from "./message-queue.ts";

export interface DispatcherOptions {
  readonly connection: NatsConnection;
  /** From the arrival of the message to the answer, ms. */
  readonly deadlineMs: number;
  readonly maxInFlight: number;
  /** Messages that may wait while all slots are taken. */
  readonly maxWaiting: number;
  /** For the bytes of messages that wait or are in work, headers included. Shared with what else the workload holds. */
  readonly heldBytes: ByteBudget;
  /** Called for a message whose reply subject is not answered to. */
  readonly onRefusedReply: (subject: string, reply: string) => void;
  /** Called for a message whose deadline has passed. */
  readonly onExpired: (expired: Expired) => void;
}

export interface Expired {
  readonly subject: string;
  readonly invocationId: string;
  /** False for one that waited in line all the time. */
  readonly wasRun: boolean;
}

interface Waiting {
  readonly patternIndex: number;
  readonly message: Msg;
  /** Taken from the budget. */
  readonly bytes: number;
  /** Monotonic ms. */
  readonly deadline: number;
}

/** A message with what came of it. */
interface Invocation {
  readonly patternIndex: number;
  readonly message: Msg;
  readonly invocationId: string;
  /** 0 for one that was not run. */
  readonly tookMs: number;
}

/**
 * Turns the messages of one instance into calls of its runner, and the outcomes into replies. This is the
 * hot path: it parses no JSON, sets no timer and copies no payload for a message.
 */
export class Dispatcher {
  readonly stats: InvocationStats = new InvocationStats();
  readonly #options: DispatcherOptions;
  readonly #waiting: MessageQueue<Waiting>;
  readonly #clock: DeadlineClock;
  #link: Link | undefined;
  /** The link whose drain is awaited. */
  #draining: Link | undefined;
  #prefix: string;
  #slots: number;
  #inFlight = 0;
  #unsent = 0;
  #idleWaiters: (() => void)[] = [];

  /** @param prefix for the ids of invocations that never reach a runner */
  constructor(prefix: string, options: DispatcherOptions) {
    this.#prefix = prefix;
    this.#options = options;
    this.#slots = options.maxInFlight;
    this.#waiting = new MessageQueue(options.maxWaiting);
    this.#clock = new DeadlineClock((now) => this.#expireWaiting(now));
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Sends what comes from now on to this runner; calls under way elsewhere end where they are. */
  attach(link: Link, prefix: string, concurrency: "many" | "one"): void {
    this.#link = link;
    this.#prefix = prefix;
    this.#slots = concurrency === "one" ? 1 : this.#options.maxInFlight;
    this.#pump();
  }

  /** Holds messages back until another runner is attached. */
  detach(): void {
    this.#link = undefined;
  }

  /** Takes one message in. */
  readonly dispatch = (patternIndex: number, message: Msg): void => {
    const { reply } = message;
    if (reply !== undefined && reply !== "" && !mayReplyTo(reply)) {
      this.#options.onRefusedReply(message.subject, reply);
      return;
    }
    const bytes = sizeOf(message);
    const full = this.#options.heldBytes.take(bytes);
    if (full !== undefined) {
      this.#refuse(patternIndex, message, full.overloaded());
      return;
    }
    const now = performance.now();
    const deadline = now + this.#options.deadlineMs;
    if (this.#waiting.length === 0 && this.#canSend()) {
      this.#send({ patternIndex, message, bytes, deadline }, now);
      return;
    }
    if (this.#waiting.push({ patternIndex, message, bytes, deadline })) {
      this.#clock.watch(deadline);
      this.#pumpWhenDrained();
      return;
    }
    this.#options.heldBytes.give(bytes);
    this.#refuse(patternIndex, message, this.#overloaded());
  };

  /** Resolves when nothing is in flight or in line. */
  async whenIdle(): Promise<void> {
    if (this.#inFlight === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Answers everything that still waits with `reason`. */
  close(reason: NexError): void {
    this.#clock.stop();
    this.#link = undefined;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#options.heldBytes.give(next.bytes);
      this.#refuse(next.patternIndex, next.message, reason);
    }
    this.#wakeIdle();
  }

  #canSend(): boolean {
    const link = this.#link;
    return link !== undefined && this.#inFlight < this.#slots && !link.isClosed && !link.congested;
  }

  #send({ patternIndex, message, bytes, deadline }: Waiting, now: number): void {
    const { heldBytes } = this.#options;
    const link = this.#link!;
    const prefix = this.#prefix;
    const head = triggerHead(patternIndex, message);
    if (head === undefined) {
      heldBytes.give(bytes);
      this.#refuse(
        patternIndex,
        message,
        new NexError(
          "invalid_request",
          "The message's headers cannot be read: one of them has a line break or a name NATS does not know.",
        ),
      );
      return;
    }
    this.#inFlight++;
    const id = link.send(TRIGGER_CODE, head, message.data, deadline - now, (error, body) => {
      this.#inFlight--;
      heldBytes.give(bytes);
      const invocationId = `${prefix}-${id}`;
      const run = { patternIndex, message, invocationId, tookMs: performance.now() - now };
      if (error === undefined) this.#succeed(link, run, body);
      else this.#fail(run, forCaller(error, this.#options.deadlineMs));
      if (error?.code === "deadline_exceeded")
        this.#options.onExpired({ subject: message.subject, invocationId, wasRun: true });
      if (this.#waiting.length > 0) this.#pump();
      this.#wakeIdle();
    });
  }

  #succeed(link: Link, run: Invocation, body: Buffer): void {
    const { message } = run;
    try {
      const { headers, payload } = decodeReply(body);
      if (message.reply !== undefined && message.reply !== "") {
        const outgoing = writeHeaders(headers);
        this.#options.connection.publish(
          message.reply,
          payload,
          outgoing === undefined ? undefined : { headers: outgoing },
        );
      }
      this.stats.succeeded(run.patternIndex, run.tookMs);
    } catch (error) {
      if (error instanceof RangeError) {
        // Only a hostile runner sends a reply that is cut short.
        const reason = new NexError("link_protocol", "The runner sent a reply that is cut short.");
        this.#fail(run, forCaller(reason, this.#options.deadlineMs));
        link.close(reason);
      } else {
        // The runner counts its own form of the headers, NATS another: a reply at the very limit may still not fit.
        this.#fail(
          run,
          new NexError(
            "reply_too_large",
            "The function's reply with its headers is larger than the NATS server carries in one message.",
          ),
        );
      }
    }
  }

  #fail({ patternIndex, message, invocationId, tookMs }: Invocation, error: NexError): void {
    this.stats.failed(patternIndex, tookMs, error);
    if (message.reply === undefined || message.reply === "") return;
    try {
      answerError(this.#options.connection, message.reply, error, invocationId);
    } catch {
      // The connection has closed under us: there is nobody to tell.
    }
  }

  /** Answers a message that was not run. Its invocation has an id all the same. */
  #refuse(patternIndex: number, message: Msg, error: NexError): string {
    const invocationId = `${this.#prefix}-w${++this.#unsent}`;
    this.#fail({ patternIndex, message, invocationId, tookMs: 0 }, error);
    return invocationId;
  }

  #overloaded(): NexError {
    return new NexError(
      "overloaded",
      `All ${this.#slots} slots of the function are taken and ${this.#waiting.length} messages wait. Try again later.`,
    );
  }

  #expire({ patternIndex, message, bytes }: Waiting): void {
    this.#options.heldBytes.give(bytes);
    const { deadlineMs } = this.#options;
    const invocationId = this.#refuse(
      patternIndex,
      message,
      new NexError(
        "deadline_exceeded",
        `The message waited its whole deadline of ${deadlineMs} ms for others to end, and was not run.`,
      ),
    );
    this.#options.onExpired({ subject: message.subject, invocationId, wasRun: false });
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      if (!this.#canSend()) {
        this.#pumpWhenDrained();
        return;
      }
      const next = this.#waiting.shift()!;
      const now = performance.now();
      if (next.deadline > now) this.#send(next, now);
      else this.#expire(next);
    }
  }

  /** With nothing in flight, no outcome would set the line going again once a congested link is free. */
  #pumpWhenDrained(): void {
    const link = this.#link;
    if (link === undefined || link === this.#draining || link.isClosed || !link.congested) return;
    this.#draining = link;
    link.whenDrained(() => {
      if (this.#draining === link) this.#draining = undefined;
      this.#pump();
    });
  }

  #expireWaiting(now: number): number {
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (next.deadline > now) return next.deadline;
      this.#waiting.shift();
      this.#expire(next);
    }
    this.#wakeIdle();
    return Infinity;
  }

  #wakeIdle(): void {
    if (this.#inFlight > 0 || this.#waiting.length > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }
}

/** `undefined` if the message's headers are malformed: reading them throws, which would end the NATS connection. */
function triggerHead(patternIndex: number, message: Msg): Buffer | undefined {
  try {
    return encodeTriggerHead(patternIndex, message.subject, readHeaders(message));
  } catch {
    return undefined;
  }
}
