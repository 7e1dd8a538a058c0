/** Keeps the newest entries: a fixed number of them, and of their size. */
export class Ring<T> {
  readonly #capacity: number;
  readonly #maxSize: number;
  readonly #entries: { readonly entry: T; readonly size: number }[] = [];
  #size = 0;

  /** @param maxSize all entries together may be this large, in whatever unit they are pushed with */
  constructor(capacity: number, maxSize: number = Infinity) {
    this.#capacity = capacity;
    this.#maxSize = maxSize;
  }

  push(entry: T, size: number = 0): void {
    this.#entries.push({ entry, size });
    this.#size += size;
    while (this.#entries.length > this.#capacity || (this.#size > this.#maxSize && this.#entries.length > 1)) {
      this.#size -= this.#entries.shift()!.size;
    }
  }

  /** Oldest first. */
  toArray(): T[] {
    return this.#entries.map(({ entry }) => entry);
  }
}
