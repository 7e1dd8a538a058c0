import { NexError } from "@nex/protocol";

export type InstanceState = "starting" | "running" | "restarting" | "crash_loop" | "ended" | "stopping" | "stopped";

/** The life of one copy of a workload. It may pass through many sandboxes; each of them is used once. */
export const INSTANCE_TRANSITIONS: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  starting: ["running", "stopping"],
  running: ["restarting", "ended", "stopping"],
  restarting: ["running", "crash_loop", "stopping"],
  crash_loop: ["running", "stopping"],
  ended: ["stopping"],
  stopping: ["stopped"],
  stopped: [],
};

export class InstanceLife {
  #state: InstanceState = "starting";
  #since: number = Date.now();

  get state(): InstanceState {
    return this.#state;
  }

  /** Time in the present state, ms. */
  get elapsedMs(): number {
    return Date.now() - this.#since;
  }

  get isEnding(): boolean {
    return this.#state === "stopping" || this.#state === "stopped";
  }

  /** @throws NexError `internal` for a step the table does not allow */
  enter(next: InstanceState): void {
    if (!INSTANCE_TRANSITIONS[this.#state].includes(next)) {
      throw new NexError("internal", `An instance cannot go from ${this.#state} to ${next}.`, {
        data: { from: this.#state, to: next },
      });
    }
    this.#state = next;
    this.#since = Date.now();
  }
}
