import type { WorkloadPlan } from "./plan.ts";

/** One deploy of a workload. */
export interface Revision {
  readonly number: number;
  readonly plan: WorkloadPlan;
  readonly deployedAt: string;
}
