import type { NatsConnection } from "@nats-io/transport-node";
import { type ByteBudget, readHeaders, writeHeaders } from "@nex/host-services/host";
import { decodeReply, encodeTriggerHead, type Link, TRIGGER_CODE } from "@nex/link";
import { NexError } from "@nex/protocol";
import { answerError, forCaller } from "./answers.ts";
import { InvocationStats } from "./invocation-stats.ts";
import type { Triggered } from "./triggered.ts";

/** A message whose deadline has passed. */
export interface Expired {
  readonly subject: string;
  readonly invocationId: string;
}

export interface WorkerOptions {
  readonly connection: NatsConnection;
  readonly deadlineMs: number;
  readonly maxInFlight: number;
  readonly heldBytes: ByteBudget;
  /** Called for a message in work here whose deadline has passed. */
  readonly onExpired: (expired: Expired) => void;
  /** A message cannot be sent. */
  readonly onRefused: (triggered: Triggered, error: NexError) => void;
  /** A message has been answered, or a runner has come: more may be sent. */
  readonly onFree: () => void;
}

/** A call of the runner that is under way. */
interface Run {
  readonly triggered: Triggered;
  readonly invocationId: string;
  /** Monotonic, ms. */
  readonly since: number;
}

/** One instance of a function as its dispatcher sees it: calls the runner that is attached, and answers what comes of it. */
export class Worker {
  readonly stats: InvocationStats = new InvocationStats();
  readonly #options: WorkerOptions;
  #link: Link | undefined;
  /** The link whose drain is awaited. */
  #draining: Link | undefined;
  /** Of the ids of the runner's invocations. */
  #prefix = "";
  #slots: number;
  #inFlight = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#slots = options.maxInFlight;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get slots(): number {
    return this.#slots;
  }

  get isReachable(): boolean {
    return this.#link?.isClosed === false;
  }

  get canSend(): boolean {
    const link = this.#link;
    return link !== undefined && this.#inFlight < this.#slots && !link.isClosed && !link.congested;
  }

  /** Sends what comes from now on to this runner; calls under way elsewhere end where they are. */
  attach(link: Link, prefix: string, concurrency: "many" | "one"): void {
    this.#link = link;
    this.#prefix = prefix;
    this.#slots = concurrency === "one" ? 1 : this.#options.maxInFlight;
    this.#options.onFree();
  }

  /** Takes nothing until another runner is attached. */
  detach(): void {
    this.#link = undefined;
  }

  /** Only where {@link canSend}. */
  send(triggered: Triggered, now: number): void {
    const { message, bytes, deadline } = triggered;
    const { heldBytes } = this.#options;
    const link = this.#link!;
    const prefix = this.#prefix;
    const head = triggerHead(triggered);
    if (head === undefined) {
      this.#options.onRefused(triggered, unreadableHeaders());
      return;
    }
    this.#inFlight++;
    const id = link.send(TRIGGER_CODE, head, message.data, deadline - now, (error, body) => {
      this.#inFlight--;
      heldBytes.give(bytes);
      const run = { triggered, invocationId: `${prefix}-${id}`, since: now };
      if (error === undefined) this.#succeed(link, run, body);
      else this.#fail(run, forCaller(error, this.#options.deadlineMs));
      if (error?.code === "deadline_exceeded")
        this.#options.onExpired({ subject: message.subject, invocationId: run.invocationId });
      this.#options.onFree();
    });
  }

  /** With nothing in flight, no outcome would set the line going again once a congested link is free. */
  watchCongestion(): void {
    const link = this.#link;
    if (link === undefined || link === this.#draining || link.isClosed || !link.congested) return;
    this.#draining = link;
    link.whenDrained(() => {
      if (this.#draining === link) this.#draining = undefined;
      this.#options.onFree();
    });
  }

  #succeed(link: Link, run: Run, body: Buffer): void {
    const { patternIndex, message } = run.triggered;
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
      this.stats.succeeded(patternIndex, performance.now() - run.since);
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

  #fail({ triggered: { patternIndex, message }, invocationId, since }: Run, error: NexError): void {
    this.stats.failed(patternIndex, performance.now() - since, error);
    answerError(this.#options.connection, message.reply, error, invocationId);
  }
}

/** `undefined` if the message's headers are malformed: reading them throws, which would end the NATS connection. */
function triggerHead({ patternIndex, message }: Triggered): Buffer | undefined {
  try {
    return encodeTriggerHead(patternIndex, message.subject, readHeaders(message));
  } catch {
    return undefined;
  }
}

function unreadableHeaders(): NexError {
  return new NexError(
    "invalid_request",
    "The message's headers cannot be read: one of them has a line break or a name NATS does not know.",
  );
}
