import { NexError, toNexError } from "@nex/protocol";
import { AgentSession, type AgentSessionOptions } from "./agent-session.ts";
import { backoffMs } from "./backoff.ts";

export interface PoolOptions extends AgentSessionOptions {
  /** Sandboxes kept ready ahead of deploys. */
  readonly size: number;
  readonly onStartFailed: (error: NexError) => void;
}

/**
 * Keeps sandboxes ready ahead, so that a deploy only has to hand over its code. A sandbox that was taken
 * never comes back; a start that fails is tried again, more and more slowly, and never blocks the node.
 */
export class SandboxPool {
  readonly #options: PoolOptions;
  readonly #stop: AbortController = new AbortController();
  readonly #ready: AgentSession[] = [];
  readonly #starting: Set<Promise<void>> = new Set();
  /** Starts for the pool and on demand; one that fails has taken its sandbox away before it says so. */
  readonly #underway: Set<Promise<AgentSession>> = new Set();
  /** Ready, taken, or on their way out. */
  readonly #sessions: Set<AgentSession> = new Set();
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  /** Starts as many sandboxes as are missing. */
  fill(): void {
    if (this.#stop.signal.aborted || this.#retry !== undefined) return;
    for (let missing = this.#options.size - this.#ready.length - this.#starting.size; missing > 0; missing--) {
      const work = this.#startOne();
      this.#starting.add(work);
      void work.finally(() => this.#starting.delete(work));
    }
  }

  /**
   * A sandbox for one workload: one that is ready, or else a fresh one. The caller destroys it.
   * @throws NexError `no_sandbox` when none came up before `signal` aborted
   */
  async take(signal: AbortSignal): Promise<AgentSession> {
    if (signal.aborted || this.#stop.signal.aborted) {
      throw new NexError("no_sandbox", "No sandbox was taken: the deploy was withdrawn, or the node is stopping.", {
        cause: signal.reason,
      });
    }
    const ready = this.#ready.shift() ?? (await this.#firstOf(signal));
    this.fill();
    return ready;
  }

  /** Destroys everything that was ever started here. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#retry);
    await Promise.allSettled([...this.#starting, ...this.#underway]);
    await Promise.all([...this.#sessions].map(async (session) => await session.destroy(1000)));
  }

  async #firstOf(signal: AbortSignal): Promise<AgentSession> {
    try {
      return await this.#start(AbortSignal.any([signal, this.#stop.signal]));
    } catch (cause) {
      const error = toNexError(cause);
      this.#options.onStartFailed(error);
      throw new NexError("no_sandbox", `No sandbox became ready for this deploy: ${error.message}`, { cause });
    }
  }

  async #start(signal: AbortSignal): Promise<AgentSession> {
    const start = AgentSession.start(this.#options, signal);
    this.#underway.add(start);
    try {
      const session = await start;
      this.#sessions.add(session);
      void session.destroyed.then(() => this.#sessions.delete(session));
      return session;
    } finally {
      this.#underway.delete(start);
    }
  }

  async #startOne(): Promise<void> {
    try {
      const session = await this.#start(this.#stop.signal);
      this.#failures = 0;
      this.#ready.push(session);
      void session.lost.then(async () => {
        const index = this.#ready.indexOf(session);
        if (index === -1) return;
        this.#ready.splice(index, 1);
        await session.destroy(0);
        this.fill();
      });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#options.onStartFailed(toNexError(error));
      this.#retry ??= setTimeout(
        () => {
          this.#retry = undefined;
          this.fill();
        },
        backoffMs(this.#failures++),
      );
    }
  }
}
