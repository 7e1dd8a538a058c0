import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { type ByteBudget, sizeOf } from "@nex/host-services/host";
import { DeadlineClock } from "@nex/link";
import { NexError } from "@nex/protocol";
import { mayReplyTo } from "../triggers/reply-subject.ts";
import { answerError } from "./answers.ts";
import { InvocationStats } from "./invocation-stats.ts";
import { MessageQueue } from "./message-queue.ts";
import { TriggerList } from "./trigger-list.ts";
import type { Triggered } from "./triggered.ts";
import { type Expired, Worker } from "./worker.ts";

export interface DispatcherOptions {
  readonly connection: NatsConnection;
  readonly triggers: readonly string[];
  /** From the arrival of the message to the answer, ms. */
  readonly deadlineMs: number;
  /** Of one worker. */
  readonly maxInFlight: number;
  /** Messages that may wait while all slots are taken. */
  readonly maxWaiting: number;
  /** For the bytes of messages that wait or are in work, headers included. Shared with what else the workload holds. */
  readonly heldBytes: ByteBudget;
  /** Called for a message whose reply subject is not answered to. */
  readonly onRefusedReply: (subject: string, reply: string) => void;
  /** Called for a message that waited in line until its deadline. */
  readonly onExpired: (expired: Expired) => void;
}

/**
 * The queue of one revision of a function, and its workers: each message goes to the one with the fewest in
 * flight. Workers come and go; the queue stays. This is the hot path: it parses no JSON, sets no timer and copies no
 * payload for a message.
 */
export class Dispatcher {
  readonly triggers: TriggerList;
  /** Of messages that were not run; each worker counts its own. */
  readonly unrun: InvocationStats = new InvocationStats();
  readonly #options: DispatcherOptions;
  readonly #waiting: MessageQueue<Triggered>;
  readonly #clock: DeadlineClock;
  readonly #workers: Worker[] = [];
  /** Of the ids of invocations that never reach a runner. */
  readonly #prefix: string;
  #refusals = 0;
  /** Where the search for a worker begins, so that equals take turns. */
  #next = 0;
  #idleWaiters: { readonly isIdle: () => boolean; readonly wake: () => void }[] = [];

  constructor(prefix: string, options: DispatcherOptions) {
    this.#prefix = prefix;
    this.#options = options;
    this.triggers = new TriggerList(options.triggers);
    this.#waiting = new MessageQueue(options.maxWaiting);
    this.#clock = new DeadlineClock((now) => this.#expireWaiting(now));
  }

  get isReachable(): boolean {
    return this.#workers.some((worker) => worker.isReachable);
  }

  /** An instance that takes messages once a runner is attached. */
  addWorker(onExpired: (expired: Expired) => void): Worker {
    const { connection, deadlineMs, maxInFlight, heldBytes } = this.#options;
    const worker = new Worker({
      connection,
      deadlineMs,
      maxInFlight,
      heldBytes,
      onExpired,
      onRefused: (triggered, error) => {
        heldBytes.give(triggered.bytes);
        this.#refuse(triggered, error);
      },
      onFree: () => {
        if (this.#waiting.length > 0) this.#pump();
        this.#wakeIdle();
      },
    });
    this.#workers.push(worker);
    return worker;
  }

  /** Gives this one nothing more. Resolves when what it has in flight has ended. */
  async retire(worker: Worker): Promise<void> {
    const index = this.#workers.indexOf(worker);
    if (index !== -1) this.#workers.splice(index, 1);
    await this.#when(() => worker.inFlight === 0 || !worker.isReachable);
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
      this.#refuse({ patternIndex, message }, full.overloaded());
      return;
    }
    const now = performance.now();
    const triggered = { patternIndex, message, bytes, deadline: now + this.#options.deadlineMs };
    const free = this.#waiting.length === 0 ? this.#freeWorker() : undefined;
    if (free === undefined) this.#wait(triggered);
    else free.send(triggered, now);
  };

  /** Has messages that wait here wait for the next revision, if it has their trigger; the others are served here. */
  handOver(next: Dispatcher): void {
    // In line deadlines come in their order: the first is the next to pass.
    const latest = performance.now() + next.#options.deadlineMs;
    for (let left = this.#waiting.length; left > 0; left--) {
      const triggered = this.#waiting.shift()!;
      const pattern = this.triggers.patterns[triggered.patternIndex]!;
      const patternIndex = next.triggers.indexOf(pattern, triggered.message.subject);
      if (patternIndex === -1) this.#waiting.push(triggered);
      else next.#wait({ ...triggered, patternIndex, deadline: Math.min(triggered.deadline, latest) });
    }
    next.#pump();
  }

  /** Resolves when nothing is in flight or in line. */
  async whenIdle(): Promise<void> {
    await this.#when(() => this.#isIdle);
  }

  /** Answers everything that still waits with `reason`. */
  close(reason: NexError): void {
    this.#clock.stop();
    for (const worker of this.#workers) worker.detach();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#options.heldBytes.give(next.bytes);
      this.#refuse(next, reason);
    }
    this.#wakeIdle();
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#workers.every(({ inFlight }) => inFlight === 0);
  }

  #freeWorker(): Worker | undefined {
    const workers = this.#workers;
    const count = workers.length;
    if (count === 1) return workers[0]!.canSend ? workers[0] : undefined;
    let found: Worker | undefined;
    for (let step = 0; step < count; step++) {
      const worker = workers[(this.#next + step) % count]!;
      if (worker.canSend && (found === undefined || worker.inFlight < found.inFlight)) found = worker;
    }
    this.#next = (this.#next + 1) % Math.max(count, 1);
    return found;
  }

  #wait(triggered: Triggered): void {
    if (this.#waiting.push(triggered)) {
      this.#clock.watch(triggered.deadline);
      this.#watchCongestion();
      return;
    }
    this.#options.heldBytes.give(triggered.bytes);
    this.#refuse(triggered, this.#overloaded());
  }

  #overloaded(): NexError {
    const slots = this.#workers.reduce((sum, worker) => sum + worker.slots, 0);
    return new NexError(
      "overloaded",
      `All ${slots} slots of the function are taken and ${this.#waiting.length} messages wait. Try again later.`,
    );
  }

  /** Answers a message that is not run. Its invocation has an id all the same. */
  #refuse({ patternIndex, message }: Pick<Triggered, "patternIndex" | "message">, error: NexError): string {
    const invocationId = `${this.#prefix}-w${++this.#refusals}`;
    this.unrun.failed(patternIndex, 0, error);
    answerError(this.#options.connection, message.reply, error, invocationId);
    return invocationId;
  }

  #expire(triggered: Triggered): void {
    const { deadlineMs, heldBytes, onExpired } = this.#options;
    heldBytes.give(triggered.bytes);
    const waited = `The message waited its whole deadline of ${deadlineMs} ms for others to end, and was not run.`;
    const invocationId = this.#refuse(triggered, new NexError("deadline_exceeded", waited));
    onExpired({ subject: triggered.message.subject, invocationId });
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#freeWorker();
      if (worker === undefined) {
        this.#watchCongestion();
        return;
      }
      const next = this.#waiting.shift()!;
      const now = performance.now();
      if (next.deadline > now) worker.send(next, now);
      else this.#expire(next);
    }
  }

  #watchCongestion(): void {
    for (const worker of this.#workers) worker.watchCongestion();
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

  async #when(isIdle: () => boolean): Promise<void> {
    if (isIdle()) return;
    await new Promise<void>((wake) => this.#idleWaiters.push({ isIdle, wake }));
  }

  #wakeIdle(): void {
    if (this.#idleWaiters.length === 0) return;
    const due = this.#idleWaiters.filter(({ isIdle }) => isIdle());
    this.#idleWaiters = this.#idleWaiters.filter((waiter) => !due.includes(waiter));
    for (const { wake } of due) wake();
  }
}
