/** A small seeded generator (xorshift, 32 bits): the same seed gives the same orders on every machine. */
export class Random {
  #state: number;

  /** @param seed any whole number but 0 */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return from + ((this.#state >>> 0) % (to - from + 1));
  }

  chance(percent: number): boolean {
    return this.whole(1, 100) <= percent;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.whole(0, list.length - 1)] ?? list[0];
  }
}
