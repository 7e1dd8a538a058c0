/** What a workload runs and can go back to once a deploy has come up. */
export interface KeptRevisions {
  readonly current: number;
  /** Newest first, the current one among them. */
  readonly numbers: readonly number[];
  /** When the current one was deployed, RFC 3339. */
  readonly deployedAt: string;
}

/** Writes a deploy or rollback down, so that it holds after the node has been started again. */
export interface DeployRecorder {
  /** The number of the new revision. @throws NexError where the name is another issuer's */
  next(): Promise<number>;
  /** Called when all instances have come up, before they take messages. What it throws undoes the deploy. */
  commit(kept: KeptRevisions): Promise<void>;
}
