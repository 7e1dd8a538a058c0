/** Has a deploy or rollback count for more than this node: in a fleet all of its nodes bring a revision up together. */
export interface DeployRecorder {
  /** The number of the revision. */
  next(): Promise<number>;
  /** Called when all instances have come up, before they take messages. What it throws undoes the deploy. */
  commit(): Promise<void>;
}
