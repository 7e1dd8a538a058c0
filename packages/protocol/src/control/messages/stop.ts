import { z } from "zod";
import { messageObject, positive } from "./shape.ts";

/** Body of `$NEX.STOP`: stops one instance. */
export interface StopRequest {
  /** Instance id. */
  readonly workload_id: string;
  /** Claims with the action `stop`. */
  readonly workload_jwt: string;
  readonly target_node: string;
}

/** Body of `$NEX.UNDEPLOY` (ours): stops a workload, in a fleet on all its nodes. */
export interface UndeployRequest {
  readonly name: string;
  /** Ends only what runs on this node, and has so many replicas fewer. Default false. */
  readonly only_here?: boolean;
  /** Claims with the action `stop`. */
  readonly workload_jwt: string;
  readonly target_node: string;
}

/** Body of `$NEX.ROLLBACK` (ours): runs an earlier revision again. */
export interface RollbackRequest {
  readonly name: string;
  /** Default: the one before the running one. */
  readonly revision?: number;
  /** Claims with the action `rollback` over the hash of that revision's artifact. */
  readonly workload_jwt: string;
  readonly target_node: string;
}

export const stopRequestSchema: z.ZodType<StopRequest> = messageObject({
  workload_id: z.string(),
  workload_jwt: z.string(),
  target_node: z.string(),
});

export const undeployRequestSchema: z.ZodType<UndeployRequest> = messageObject({
  name: z.string(),
  only_here: z.boolean().exactOptional(),
  workload_jwt: z.string(),
  target_node: z.string(),
});

export const rollbackRequestSchema: z.ZodType<RollbackRequest> = messageObject({
  name: z.string(),
  revision: positive.exactOptional(),
  workload_jwt: z.string(),
  target_node: z.string(),
});
