import { NexError, toNexError } from "@nex/protocol";
import { AgentSession, type AgentSessionOptions } from "./agent-session.ts";
import { backoffMs } from "@nex/system";
import { WaitingDeploys } from "./waiting-deploys.ts";

export interface PoolOptions extends AgentSessionOptions {
  /** Sandboxes kept ready ahead of deploys. */
  readonly size: number;
  readonly onStartFailed: (error: NexError) => void;
  /** A deploy that finds the pool empty waits this long, ms. Default 60,000. */
  readonly takeDeadlineMs?: number;
}

/** A client waits 90 s for its deploy, and a sandbox that comes at the last moment must still be of use. */
const TAKE_DEADLINE_MS = 60_000;

/** A sandbox on its way up. */
interface Start {
  readonly stop: AbortController;
  work: Promise<void>;
}

/**
 * Keeps sandboxes ready ahead, so that a deploy only has to hand over its code. A sandbox that was taken
 * never comes back; a start that fails is tried again, more and more slowly, and never blocks the node.
 */
export class SandboxPool {
  readonly #options: PoolOptions;
  readonly #stop: AbortController = new AbortController();
  readonly #ready: AgentSession[] = [];
  readonly #waiting: WaitingDeploys;
  /** Starts under way, whoever they are for; oldest first. One that fails has taken its sandbox away before it says so. */
  readonly #starting: Set<Start> = new Set();
  /** Ready, taken, or on their way out. */
  readonly #sessions: Set<AgentSession> = new Set();
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#waiting = new WaitingDeploys(options.takeDeadlineMs ?? TAKE_DEADLINE_MS);
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  /**
   * Starts as many sandboxes as are missing. While a deploy waits, none is started ahead: it would take from
   * those the machine has to start now.
   */
  fill(): void {
    if (this.#stop.signal.aborted || this.#retry !== undefined) return;
    const wanted = this.#waiting.count > 0 ? this.#waiting.count : this.#options.size - this.#ready.length;
    for (let missing = wanted - this.#starting.size; missing > 0; missing--) {
      const start: Start = { stop: new AbortController(), work: Promise.resolve() };
      this.#starting.add(start);
      start.work = this.#startOne(start);
    }
  }

  /**
   * A sandbox for one workload: one that is ready, or else the next that becomes so. The caller destroys it.
   * @throws NexError `no_sandbox` when none came up in time
   */
  async take(signal: AbortSignal): Promise<AgentSession> {
    if (signal.aborted || this.#stop.signal.aborted) {
      throw new NexError("no_sandbox", "No sandbox was taken: the deploy was withdrawn, or the node is stopping.", {
        cause: signal.reason,
      });
    }
    const ready = this.#ready.shift();
    if (ready !== undefined) {
      this.fill();
      return ready;
    }
    const next = this.#waiting.join(AbortSignal.any([signal, this.#stop.signal]));
    // Somebody waits: what failed a while ago is tried again now.
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.fill();
    try {
      return await next;
    } finally {
      this.#abandonNeedless();
      this.fill();
    }
  }

  /** Destroys everything that was ever started here. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#retry);
    await Promise.allSettled([...this.#starting].map(({ work }) => work));
    await Promise.all([...this.#sessions].map(async (session) => await session.destroy(1000)));
  }

  async #startOne(start: Start): Promise<void> {
    const signal = AbortSignal.any([start.stop.signal, this.#stop.signal]);
    try {
      const session = await AgentSession.start(this.#options, signal);
      this.#starting.delete(start);
      this.#sessions.add(session);
      void session.destroyed.then(() => this.#sessions.delete(session));
      this.#failures = 0;
      await this.#offer(session);
    } catch (cause) {
      this.#starting.delete(start);
      if (!signal.aborted) this.#onFailure(toNexError(cause));
    }
    this.fill();
  }

  #onFailure(error: NexError): void {
    this.#options.onStartFailed(error);
    this.#waiting.startFailed(error);
    const again = (): void => {
      this.#retry = undefined;
      this.fill();
    };
    this.#retry ??= setTimeout(again, backoffMs(this.#failures++));
  }

  async #offer(session: AgentSession): Promise<void> {
    if (this.#waiting.serve(session)) return;
    if (this.#ready.length >= this.#options.size) return await session.destroy(0);
    this.#ready.push(session);
    void session.lost.then(async () => {
      const index = this.#ready.indexOf(session);
      if (index === -1) return;
      this.#ready.splice(index, 1);
      await session.destroy(0);
      this.fill();
    });
  }

  /** The newest starts, if a deploy that they were for has been withdrawn. */
  #abandonNeedless(): void {
    const wanted = Math.max(this.#waiting.count, this.#options.size - this.#ready.length);
    for (const { stop } of [...this.#starting].slice(wanted)) stop.abort();
  }
}
