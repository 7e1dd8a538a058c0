/** One place in the line. */
interface Place<T> {
  item: T | undefined;
  readonly bytes: number;
}

/** First in, first out, bounded in length and bytes. */
export class WaitingLine<T> {
  readonly #maxLength: number;
  readonly #maxBytes: number;
  #places: Place<T>[] = [];
  /** Index of the first place in use: shifting an array of thousands for each message would be slow. */
  #head = 0;
  #bytes = 0;

  constructor(maxLength: number, maxBytes: number) {
    this.#maxLength = maxLength;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#places.length - this.#head;
  }

  /** False if the line is full. */
  push(item: T, bytes: number): boolean {
    if (this.length >= this.#maxLength || (this.length > 0 && this.#bytes + bytes > this.#maxBytes)) return false;
    this.#places.push({ item, bytes });
    this.#bytes += bytes;
    return true;
  }

  peek(): T | undefined {
    return this.#places[this.#head]?.item;
  }

  shift(): T | undefined {
    const place = this.#places[this.#head];
    if (place === undefined) return undefined;
    const { item } = place;
    place.item = undefined;
    this.#bytes -= place.bytes;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
