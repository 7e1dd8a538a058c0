/**
 * Tells whether every write of a stream has been heard of. Numbers come from many writers, so that a later one may
 * arrive first.
 */
export class SequenceGaps {
  /** All up to here are known. */
  #upTo: number;
  readonly #beyond: Set<number> = new Set();

  constructor(upTo = 0) {
    this.#upTo = upTo;
  }

  get isWhole(): boolean {
    return this.#beyond.size === 0;
  }

  get highest(): number {
    return this.#beyond.size === 0 ? this.#upTo : Math.max(...this.#beyond);
  }

  add(sequence: number): void {
    if (sequence <= this.#upTo) return;
    this.#beyond.add(sequence);
    while (this.#beyond.delete(this.#upTo + 1)) this.#upTo++;
  }

  /** Everything up to here has been read. */
  reset(upTo: number): void {
    this.#upTo = upTo;
    for (const sequence of this.#beyond) if (sequence <= upTo) this.#beyond.delete(sequence);
    while (this.#beyond.delete(this.#upTo + 1)) this.#upTo++;
  }
}
