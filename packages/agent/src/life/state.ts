import { NexError } from "@nex/protocol";

export type AgentState = "starting" | "idle" | "deploying" | "running" | "stopping" | "gone";

/** The life of an agent. There is no way back: a used agent is thrown away with its sandbox. */
export const AGENT_TRANSITIONS: Readonly<Record<AgentState, readonly AgentState[]>> = {
  starting: ["idle", "stopping"],
  idle: ["deploying", "stopping"],
  deploying: ["running", "stopping"],
  running: ["stopping"],
  stopping: ["gone"],
  gone: [],
};

export class AgentLife {
  #state: AgentState = "starting";

  get state(): AgentState {
    return this.#state;
  }

  /** @throws NexError `internal` for a step the table does not allow */
  enter(next: AgentState): void {
    if (!AGENT_TRANSITIONS[this.#state].includes(next)) {
      throw new NexError("internal", `An agent cannot go from ${this.#state} to ${next}.`, {
        data: { from: this.#state, to: next },
      });
    }
    this.#state = next;
  }

  /** Enters `stopping` unless it is already there or beyond; false if it was. */
  beginStopping(): boolean {
    if (this.#state === "stopping" || this.#state === "gone") return false;
    this.enter("stopping");
    return true;
  }
}
