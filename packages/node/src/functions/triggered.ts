import type { Msg } from "@nats-io/transport-node";

/** A message that triggers a function, until it is answered. */
export interface Triggered {
  /** Of the trigger it counts for, in the revision it waits for. */
  readonly patternIndex: number;
  readonly message: Msg;
  /** Taken from the budget. */
  readonly bytes: number;
  /** Monotonic ms. */
  readonly deadline: number;
}
