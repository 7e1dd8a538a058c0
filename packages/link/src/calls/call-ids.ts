/** Numbers one side's calls: 1 to 2³²-1, over and over, never one that is still in use. Zero stands for no call. */
export class CallIds {
  #last: number;

  constructor(last = 0) {
    this.#last = last;
  }

  next(inUse: ReadonlyMap<number, unknown>): number {
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#last === 0 || inUse.has(this.#last));
    return this.#last;
  }
}
