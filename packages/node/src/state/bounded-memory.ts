/** What happened under a key, for a time and up to a number of keys. The oldest go first. */
export class BoundedMemory<Value> {
  readonly #lifetimeMs: number;
  readonly #max: number;
  /** Oldest first. Times in ms since 1970. */
  readonly #known: Map<string, { readonly value: Value; readonly until: number }> = new Map();

  constructor(lifetimeMs: number, max: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#max = max;
  }

  get(key: string): Value | undefined {
    return this.#known.get(key)?.value;
  }

  /** Of a key that is not known yet. */
  remember(key: string, value: Value): void {
    const now = Date.now();
    this.#known.set(key, { value, until: now + this.#lifetimeMs });
    for (const [oldest, { until }] of this.#known) {
      if (until > now && this.#known.size <= this.#max) break;
      this.#known.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}
