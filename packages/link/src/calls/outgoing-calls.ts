import { NexError } from "@nex/protocol";
import type { ByteStream } from "./byte-stream.ts";
import { CallIds } from "./call-ids.ts";
import { DeadlineClock } from "./deadline-clock.ts";

/** Told once how a call ended: with the reply's body, or with an error and an empty body. Must not throw. */
export type Settle = (error: NexError | undefined, body: Buffer) => void;

/** A call of ours. After its deadline or cancel it lingers, settled, until the peer has acknowledged that. */
export interface OutgoingCall {
  readonly id: number;
  settle: Settle | undefined;
  /** Monotonic ms; `Infinity` for none. While lingering: when the peer counts as unresponsive. */
  deadline: number;
  lingering: boolean;
  stream: ByteStream | undefined;
}

export interface OutgoingCallsOptions {
  /** How long a withdrawn call may stay unacknowledged, ms. */
  readonly unresponsiveMs: number;
  readonly sendCancel: (id: number) => void;
  /** The peer has acknowledged the last of the withdrawn calls. */
  readonly onAcknowledged: () => void;
  readonly onUnresponsive: () => void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Our calls that wait for an answer, with their deadlines. Each is settled exactly once. */
export class OutgoingCalls {
  readonly #options: OutgoingCallsOptions;
  readonly #calls: Map<number, OutgoingCall> = new Map();
  readonly #ids: CallIds = new CallIds();
  readonly #clock: DeadlineClock = new DeadlineClock((now) => this.#expire(now));
  #lingering = 0;
  #closeReason: NexError | undefined;

  constructor(options: OutgoingCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** True while the peer has not acknowledged a withdrawn call. */
  get hasLingering(): boolean {
    return this.#lingering > 0;
  }

  streamOf(id: number): ByteStream | undefined {
    return this.#calls.get(id)?.stream;
  }

  /** Takes a new call in; once closed it is settled in the next microtask. */
  add(deadlineMs: number, settle: Settle): OutgoingCall {
    const deadline = deadlineMs === Infinity ? Infinity : performance.now() + deadlineMs;
    const call: OutgoingCall = {
      id: this.#ids.next(this.#calls),
      settle,
      deadline,
      lingering: false,
      stream: undefined,
    };
    const reason = this.#closeReason;
    if (reason === undefined) {
      this.#calls.set(call.id, call);
      if (deadline !== Infinity) this.#clock.watch(deadline);
    } else {
      queueMicrotask(() => settleOnce(call, reason, NOTHING));
    }
    return call;
  }

  /** The peer has answered; for a withdrawn call that is the acknowledgement. */
  answer(id: number, error: NexError | undefined, body: Buffer): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (call.lingering && --this.#lingering === 0) this.#options.onAcknowledged();
    if (error === undefined) call.stream?.finish();
    else call.stream?.fail(error);
    settleOnce(call, error, error === undefined ? body : NOTHING);
  }

  cancel(id: number, reason: NexError): void {
    const call = this.#calls.get(id);
    if (call !== undefined && !call.lingering) this.#withdraw(call, reason, performance.now());
  }

  /** Settles everything with `reason`, and what comes later at once. */
  close(reason: NexError): void {
    this.#closeReason = reason;
    this.#clock.stop();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#lingering = 0;
    for (const call of calls) {
      call.stream?.fail(reason);
      settleOnce(call, reason, NOTHING);
    }
  }

  #withdraw(call: OutgoingCall, reason: NexError, now: number): void {
    call.lingering = true;
    this.#lingering++;
    call.deadline = now + this.#options.unresponsiveMs;
    this.#clock.watch(call.deadline);
    this.#options.sendCancel(call.id);
    call.stream?.fail(reason);
    settleOnce(call, reason, NOTHING);
  }

  #expire(now: number): number {
    let next = Infinity;
    const late: OutgoingCall[] = [];
    for (const call of this.#calls.values()) {
      if (call.deadline <= now) {
        if (call.lingering) {
          late.push(call);
          call.deadline = Infinity;
        } else {
          this.#withdraw(
            call,
            new NexError("deadline_exceeded", "The call was not answered before its deadline."),
            now,
          );
        }
      }
      if (call.deadline < next) next = call.deadline;
    }
    if (late.length > 0) this.#lookAgain(late);
    return next;
  }

  /**
   * Timers run before input is read: if it was this process that stood still, the acknowledgement is already
   * here, unread. The next turn tells.
   */
  #lookAgain(late: readonly OutgoingCall[]): void {
    setImmediate(() => {
      if (late.some((call) => this.#calls.get(call.id) === call)) this.#options.onUnresponsive();
    });
  }
}

function settleOnce(call: OutgoingCall, error: NexError | undefined, body: Buffer): void {
  const { settle } = call;
  call.settle = undefined;
  settle?.(error, body);
}
