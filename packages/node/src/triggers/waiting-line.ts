import type { ByteBudget } from "./byte-budget.ts";

/** One place in the line. */
interface Place<T> {
  item: T | undefined;
  readonly bytes: number;
}

/** First in, first out, bounded in length and bytes. */
export class WaitingLine<T> {
  readonly #maxLength: number;
  readonly #budget: ByteBudget;
  #places: Place<T>[] = [];
  /** Index of the first place in use: shifting an array of thousands for each message would be slow. */
  #head = 0;

  constructor(maxLength: number, budget: ByteBudget) {
    this.#maxLength = maxLength;
    this.#budget = budget;
  }

  get length(): number {
    return this.#places.length - this.#head;
  }

  /** @returns what is full, if the item was not taken: the line itself, or a budget of bytes */
  push(item: T, bytes: number): "line" | ByteBudget | undefined {
    if (this.length >= this.#maxLength) return "line";
    const full = this.#budget.take(bytes);
    if (full === undefined) this.#places.push({ item, bytes });
    return full;
  }

  peek(): T | undefined {
    return this.#places[this.#head]?.item;
  }

  shift(): T | undefined {
    const place = this.#places[this.#head];
    if (place === undefined) return undefined;
    const { item } = place;
    place.item = undefined;
    this.#budget.give(place.bytes);
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
