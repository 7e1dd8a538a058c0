import { withdrawn } from "@nex/link";

/** Calls a guest has open at once; more wait. Half of what a node admits, so that two runners may overlap. */
const PLACES = 64;

/** The places of one guest's open calls: who finds none waits for the next that is left, in order. */
export class CallWindow {
  readonly #waiting: Set<() => void> = new Set();
  #taken = 0;

  /** True if there was a place, which is the caller's from now on. */
  enter(): boolean {
    if (this.#taken >= PLACES) return false;
    this.#taken++;
    return true;
  }

  /** Resolves when somebody has left their place to the caller. @throws NexError `cancelled` to who withdraws before */
  async whenEntered(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const withdraw = (): void => {
      this.#waiting.delete(resolve);
      reject(withdrawn(signal!));
    };
    this.#waiting.add(resolve);
    if (signal?.aborted === true) withdraw();
    else signal?.addEventListener("abort", withdraw, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", withdraw);
    }
  }

  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
