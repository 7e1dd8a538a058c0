import { formatSize, NexError } from "@nex/protocol";

/**
 * Bytes that may be held at one time for functions: messages that wait or are in work, host service calls, and what is
 * gathered for their answers. What is taken counts in every budget above too: in the namespace's and in the node's.
 */
export class ByteBudget {
  /** Bytes. */
  readonly limit: number;
  /** Whose it is, for error messages: `this node`. */
  readonly holder: string;
  readonly #above: ByteBudget | undefined;
  #taken = 0;

  constructor(limit: number, holder: string, above?: ByteBudget) {
    this.limit = limit;
    this.holder = holder;
    this.#above = above;
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes bytes here and above. Returns the budget that has no room for them; then nothing is taken. One that is empty
   * has room for anything: a single message must not be refused for ever.
   */
  take(bytes: number): ByteBudget | undefined {
    if (this.#taken > 0 && this.#taken + bytes > this.limit) return this;
    const full = this.#above?.take(bytes);
    if (full === undefined) this.#taken += bytes;
    return full;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    this.#above?.give(bytes);
  }

  /** For whoever asked for room where this budget has none. */
  overloaded(): NexError {
    const { holder, limit, taken } = this;
    return new NexError(
      "overloaded",
      `What is held for ${holder}, waiting messages and those in work included, has ${formatSize(taken)} of the ${formatSize(limit)} that it may have (functions.held_bytes). Try again later.`,
      { data: { limit, taken } },
    );
  }
}
