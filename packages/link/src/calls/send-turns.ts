/**
 * Shares among the streams of one link what its connection takes: once data has to wait, each stream sends one frame
 * in turn. Calls and pings do not stand in this line, so no more lies ahead of them than the link lets streams gather.
 */
export class SendTurns {
  readonly #hasRoom: () => boolean;
  /** In the order they came. */
  readonly #waiting: Set<() => void> = new Set();

  constructor(hasRoom: () => boolean) {
    this.#hasRoom = hasRoom;
  }

  /** True if a frame may leave now, without waiting. */
  get isFree(): boolean {
    return this.#waiting.size === 0 && this.#hasRoom();
  }

  /** Calls `wake` when it is its turn; whoever is woken must call {@link pass}, whether it sent or not. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
  }

  leave(wake: () => void): void {
    this.#waiting.delete(wake);
  }

  /** The next one's turn, if there is room: called after each frame, and when the connection has caught up. */
  pass(): void {
    if (!this.#hasRoom()) return;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    next();
  }
}
