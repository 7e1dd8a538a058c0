import { NexError } from "@nex/protocol";
import type { AgentSession } from "./agent-session.ts";

/** Starts that fail one after another while a deploy waits: then the next will fail as well, and it is told. */
const MOST_FAILURES = 3;

interface Waiting {
  readonly result: PromiseWithResolvers<AgentSession>;
  failures: number;
  lastFailure: NexError | undefined;
}

/** Deploys that found no sandbox ready, in the order of their arrival. */
export class WaitingDeploys {
  readonly #deadlineMs: number;
  readonly #waiting: Set<Waiting> = new Set();

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** The next sandbox that nobody who came before wants. @throws NexError `no_sandbox` */
  async join(signal: AbortSignal): Promise<AgentSession> {
    const waiting: Waiting = { result: Promise.withResolvers(), failures: 0, lastFailure: undefined };
    this.#waiting.add(waiting);
    const withdraw = (): void =>
      this.#refuse(waiting, "the deploy was withdrawn, or the node is stopping.", signal.reason);
    const late = (): void => {
      const why = waiting.lastFailure === undefined ? "" : ` The last start failed: ${waiting.lastFailure.message}`;
      this.#refuse(waiting, `none was ready within ${this.#deadlineMs / 1000} s.${why}`, waiting.lastFailure);
    };
    signal.addEventListener("abort", withdraw, { once: true });
    const timer = setTimeout(late, this.#deadlineMs);
    try {
      return await waiting.result.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", withdraw);
    }
  }

  /** Hands a sandbox to the first in line; false if nobody waits. */
  serve(session: AgentSession): boolean {
    const [first] = this.#waiting;
    if (first === undefined) return false;
    this.#waiting.delete(first);
    first.result.resolve(session);
    return true;
  }

  /** One of the starts they wait for has failed. */
  startFailed(error: NexError): void {
    for (const waiting of this.#waiting) {
      waiting.lastFailure = error;
      if (++waiting.failures >= MOST_FAILURES) this.#refuse(waiting, error.message, error);
    }
  }

  /** Out of the line at once: a sandbox that comes in this moment must not be handed to nobody. */
  #refuse(waiting: Waiting, why: string, cause: unknown): void {
    this.#waiting.delete(waiting);
    waiting.result.reject(new NexError("no_sandbox", `No sandbox became ready for this deploy: ${why}`, { cause }));
  }
}
