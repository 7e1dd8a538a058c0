/** First in, first out, bounded in length. */
export class MessageQueue<T> {
  readonly #maxLength: number;
  #places: (T | undefined)[] = [];
  /** Index of the first place in use: shifting an array of thousands for each message would be slow. */
  #head = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  get length(): number {
    return this.#places.length - this.#head;
  }

  /** False where the line is full. */
  push(item: T): boolean {
    if (this.length >= this.#maxLength) return false;
    this.#places.push(item);
    return true;
  }

  peek(): T | undefined {
    return this.#places[this.#head];
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
