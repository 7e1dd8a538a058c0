/** Longest delay a timer takes, ms: anything longer would fire at once. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * One timer for all deadlines of a link. A timer per call would cost an allocation and a heap operation on
 * the hottest path; instead the earliest deadline is armed and, when it fires, the owner looks at its calls.
 */
export class DeadlineClock {
  readonly #expire: (now: number) => number;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Infinity;

  /** @param expire settles what is due at `now` (ms, monotonic) and returns the earliest deadline left, or `Infinity`. */
  constructor(expire: (now: number) => number) {
    this.#expire = expire;
  }

  /** Makes sure the clock fires at `deadline` or before. */
  watch(deadline: number): void {
    if (deadline >= this.#armedFor) return;
    this.#arm(deadline);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  #arm(deadline: number): void {
    clearTimeout(this.#timer);
    this.#armedFor = deadline;
    // Rounded up: a timer that fires early would find nothing due and have to be set again.
    const delay = Math.min(MAX_DELAY, Math.max(0, Math.ceil(deadline - performance.now())));
    this.#timer = setTimeout(() => {
      this.stop();
      const next = this.#expire(performance.now());
      if (next !== Infinity) this.#arm(next);
    }, delay);
    this.#timer.unref();
  }
}
