/** An answer that comes when its invocation has ended: for whatever went on in the background to begin reading it, ms. */
const LATE_MS = 1000;

/**
 * Answers of one invocation whose bodies nobody has begun to read. Each holds a place among the open calls, and is let
 * go of at the invocation's end rather than half a minute later.
 */
export class UnreadBodies {
  readonly #bodies: Set<() => void> = new Set();
  #hasEnded = false;

  /** @param letGo called once, unless the body is begun before */
  add(letGo: () => void): void {
    this.#bodies.add(letGo);
    if (this.#hasEnded) setTimeout(() => this.#letGo(letGo), LATE_MS).unref();
  }

  begun(letGo: () => void): void {
    this.#bodies.delete(letGo);
  }

  end(): void {
    this.#hasEnded = true;
    for (const letGo of this.#bodies) this.#letGo(letGo);
  }

  #letGo(letGo: () => void): void {
    if (this.#bodies.delete(letGo)) letGo();
  }
}
