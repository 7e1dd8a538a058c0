/** A bucket of tokens that fills at a steady rate. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #renewedAt: number = performance.now();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes one token; false if there is none. */
  take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#renewedAt) / 1000) * this.#perSecond);
    this.#renewedAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
