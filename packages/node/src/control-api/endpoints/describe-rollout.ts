import type { InstanceSummary } from "@nex/protocol";
import type { RolledOut } from "../../placement/rollouts.ts";

/** A revision that runs on the nodes of a fleet, as the answer to a deploy or rollback tells of it. */
export function describeRollout({ record, slots }: RolledOut): {
  readonly revision: number;
  readonly state: string;
  readonly instances: readonly InstanceSummary[];
} {
  const held = [...slots].filter(([at]) => at < record.replicas).sort(([a], [b]) => a - b);
  const instances = held.map(([, { instance = "", node, state }]) => ({
    id: instance,
    node_id: node,
    state: state as string,
    uptime_ms: 0,
  }));
  const isRunning = instances.every(({ state }) => state === "running");
  return { revision: record.current, state: isRunning ? "running" : "starting", instances };
}
