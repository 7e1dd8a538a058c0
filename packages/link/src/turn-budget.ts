/** Frames handled for one link in one turn of the event loop: about a millisecond of work. */
const FRAMES_PER_TURN = 512;

/** Bytes handled for one link in one turn. */
const BYTES_PER_TURN = 512 * 1024;

/**
 * A link's share of one turn of the event loop. One peer that floods its link gets no more than this before
 * everybody else has had a turn.
 */
export class TurnBudget {
  readonly #onRenewed: () => void;
  #frames = FRAMES_PER_TURN;
  #bytes = BYTES_PER_TURN;
  #turn: NodeJS.Immediate | undefined;

  /** @param onRenewed called in the next turn if this one's share was used up. */
  constructor(onRenewed: () => void) {
    this.#onRenewed = onRenewed;
  }

  get exhausted(): boolean {
    return this.#frames <= 0 || this.#bytes <= 0;
  }

  spend(bytes: number): void {
    this.#frames--;
    this.#bytes -= bytes;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      const wasExhausted = this.exhausted;
      this.#frames = FRAMES_PER_TURN;
      this.#bytes = BYTES_PER_TURN;
      if (wasExhausted) this.#onRenewed();
    });
  }

  stop(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }
}
