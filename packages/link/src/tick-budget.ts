/** Frames handled for one link in one turn of the event loop at most, and half of it at least: about a millisecond of work. */
const FRAMES_PER_TICK = 512;

/** Bytes handled for one link in one turn, likewise. */
const BYTES_PER_TICK = 512 * 1024;

/**
 * A link's share of one turn of the event loop. One peer that floods its link gets no more than this before
 * everybody else has had a turn.
 */
export class TickBudget {
  readonly #onRenewed: () => void;
  #frames = FRAMES_PER_TICK;
  #bytes = BYTES_PER_TICK;
  #turn: NodeJS.Immediate | undefined;

  /** @param onRenewed called in the next turn if this one's share was used up. */
  constructor(onRenewed: () => void) {
    this.#onRenewed = onRenewed;
  }

  get exhausted(): boolean {
    return this.#frames <= 0 || this.#bytes <= 0;
  }

  /** Only where the share runs low is it asked whether the turn is over: an immediate for each turn costs more than a frame. */
  spend(bytes: number): void {
    this.#frames--;
    this.#bytes -= bytes;
    if (this.#frames > FRAMES_PER_TICK / 2 && this.#bytes > BYTES_PER_TICK / 2) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      const wasExhausted = this.exhausted;
      this.#frames = FRAMES_PER_TICK;
      this.#bytes = BYTES_PER_TICK;
      if (wasExhausted) this.#onRenewed();
    });
  }

  stop(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }
}
