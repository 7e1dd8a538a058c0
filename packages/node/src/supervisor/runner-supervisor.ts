import { setTimeout as sleep } from "node:timers/promises";
import { ABANDONED_CODE, type Link } from "@nex/link";
import { NexError, toNexError } from "@nex/protocol";
import type { WorkloadFeed } from "../feeds/workload-feed.ts";
import type { AgentSession } from "./agent-session.ts";
import { backoffMs } from "@nex/system";
import { CRASH_LOOP_AFTER, MAX_ABANDONED, QUICK_DEATH_MS } from "./plan.ts";

export interface Runner {
  readonly link: Link;
  /** Of the ids of its invocations. */
  readonly prefix: string;
  /** As `performance.now()` counts. */
  readonly since: number;
}

export interface RunnerSupervisorOptions {
  readonly feed: WorkloadFeed;
  /** Of one invocation: a runner that is retired may take this long to empty, ms. */
  readonly deadlineMs: number;
  /** Aborts when the instance is being stopped. */
  readonly stop: AbortSignal;
  readonly id: () => string;
  readonly session: () => AgentSession | undefined;
  /** The runner has loaded the function: triggers go to it from now on. */
  readonly onReady: (runner: Runner) => void;
  /** Triggers have to wait: there is no runner. */
  readonly onGone: () => void;
  /** A runner has ended and another has taken its place; how many in a row had ended soon after their start. */
  readonly onReplaced: (error: NexError, quickDeaths: number) => void;
  /** No runner comes up any more; the sandbox has been destroyed. */
  readonly onGivenUp: (error: NexError) => void;
}

const RUNNER_ENDS = {
  out_of_memory: "it had reached its memory limit",
  blocked: "an invocation blocked it past its deadline",
  ended: "it ended by itself",
} as const;

/** Sees to it that an instance of a function has a runner: replaces the one that ended, was killed, or has filled up. */
export class RunnerSupervisor {
  readonly #options: RunnerSupervisorOptions;
  /** The newest runner; the one in use once it has loaded the function. */
  #newest: Runner | undefined;
  /** Before anything was loaded into it, or under a service, nobody misses a runner. */
  #isInUse = false;
  #replacing = false;
  #quickDeaths = 0;

  constructor(options: RunnerSupervisorOptions) {
    this.#options = options;
  }

  get hasRunner(): boolean {
    return this.#newest !== undefined;
  }

  /** True while messages can still be finished. */
  get isReachable(): boolean {
    return this.#newest?.link.isClosed === false;
  }

  /** Runners end soon after their start, again and again, and none has lasted yet. */
  get isCrashLooping(): boolean {
    if (this.#quickDeaths < CRASH_LOOP_AFTER) return false;
    return this.#replacing || this.#newest === undefined || performance.now() - this.#newest.since < QUICK_DEATH_MS;
  }

  /** A runner has said hello. */
  add(link: Link, prefix: string): void {
    const runner = { link, prefix, since: performance.now() };
    this.#newest = runner;
    link.handleNotify(ABANDONED_CODE, (body) => {
      if (body.length === 4 && body.readUInt32LE(0) > MAX_ABANDONED) void this.#retire(link);
    });
    void link.closed.then((reason) => {
      if (!this.#isInUse || this.#newest !== runner || this.#isEnding) return;
      void this.#replace(performance.now() - runner.since, reason);
    });
  }

  /** The function is loaded: the newest runner is in use from now on. */
  use(): void {
    this.#isInUse = true;
    this.#takeUp();
    this.#replaceIfEnded();
  }

  get #isEnding(): boolean {
    return this.#options.stop.aborted;
  }

  #takeUp(): void {
    if (this.#newest !== undefined) this.#options.onReady(this.#newest);
  }

  /** The runner has ended or was killed: gets another one in the same sandbox. */
  async #replace(livedMs: number, why: NexError): Promise<void> {
    const session = this.#options.session();
    if (this.#replacing || this.#isEnding || session?.isLost !== false) return;
    this.#replacing = true;
    this.#options.onGone();
    this.#quickDeaths = livedMs < QUICK_DEATH_MS ? this.#quickDeaths + 1 : 0;
    const reason = this.#tell(session, why);
    try {
      if (this.#quickDeaths > 1) await this.#pause(this.#quickDeaths - 2);
      if (this.#isEnding) return;
      await session.replaceRunner(false);
      this.#takeUp();
      this.#options.onReplaced(reason, this.#quickDeaths);
    } catch (error) {
      await this.#giveUp(session, error);
    } finally {
      this.#replacing = false;
    }
    this.#replaceIfEnded();
  }

  #tell(session: AgentSession, why: NexError): NexError {
    const { feed, id } = this.#options;
    const outOfMemory = session.takeOutOfMemory();
    if (outOfMemory !== undefined) feed.note(id(), "error", `The runner ended. ${outOfMemory}`);
    // Only this side closes a runner's link with the code `interrupted`.
    const reason = outOfMemory !== undefined ? "out_of_memory" : why.code === "interrupted" ? "blocked" : "ended";
    feed.event("runner_replaced", { id: id(), reason });
    return new NexError(why.code, `The runner was replaced: ${RUNNER_ENDS[reason]}.`, { cause: why });
  }

  /** A runner may end before its end is listened for, or while it is about to replace another. */
  #replaceIfEnded(): void {
    const link = this.#newest?.link;
    if (this.#isInUse && link?.isClosed === true) void link.closed.then((reason) => this.#replace(0, reason));
  }

  /** The runner works but holds too many invocations that never settle: a new one takes over, the old one empties. */
  async #retire(old: Link): Promise<void> {
    const { feed, id, deadlineMs } = this.#options;
    const session = this.#options.session();
    if (this.#replacing || this.#newest?.link !== old || session === undefined) return;
    this.#replacing = true;
    const reason = `More than ${MAX_ABANDONED} invocations were given up on and never settled; the runner is replaced.`;
    feed.note(id(), "warn", reason);
    feed.event("runner_replaced", { id: id(), reason: "abandoned_invocations" });
    try {
      await session.replaceRunner(true);
      this.#takeUp();
      const close = (): void => old.close();
      setTimeout(close, deadlineMs).unref();
    } catch (error) {
      await this.#giveUp(session, error);
    } finally {
      this.#replacing = false;
    }
    this.#replaceIfEnded();
  }

  /** Without a runner a sandbox is of no use; the loss of it brings a fresh one. */
  async #giveUp(session: AgentSession, thrown: unknown): Promise<void> {
    const { feed, id, onGivenUp } = this.#options;
    const error = toNexError(thrown);
    onGivenUp(error);
    if (!this.#isEnding) feed.note(id(), "error", `The runner could not be replaced: ${error.message}`);
    // Where the whole sandbox has gone, it says more about it than the end that it would be brought to.
    if (session.isLost) await session.lost;
    await session.destroy(0);
  }

  async #pause(failures: number): Promise<void> {
    await sleep(backoffMs(failures), undefined, { signal: this.#options.stop }).catch(() => undefined);
  }
}
