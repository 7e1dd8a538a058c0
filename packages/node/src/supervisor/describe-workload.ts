import type { NexError, WorkloadDetail, WorkloadRevision } from "@nex/protocol";
import type { InvocationStats } from "../functions/invocation-stats.ts";
import type { Instance } from "./instance.ts";
import type { InstanceState } from "./instance-state.ts";
import type { Revision } from "./revision.ts";

export interface WorkloadView {
  readonly namespace: string;
  readonly name: string;
  readonly nodeId: string;
  /** The revision that runs, comes up or is to run again. */
  readonly shown: Revision;
  /** Those that are kept, newest first; empty before the first one is up. */
  readonly revisions: readonly Revision[];
  readonly state: string;
  readonly wanted: "running" | "stopped";
  readonly restarts: number;
  readonly instances: readonly Instance[];
  /** Those that have an id already. */
  readonly shownInstances: readonly Instance[];
  readonly unrun: InvocationStats | undefined;
  /** Why it does not run. */
  readonly failure: NexError | undefined;
}

/** A workload as INFO, lists and the answer to a deploy tell of it. */
export function describeWorkload(view: WorkloadView): WorkloadDetail {
  const { namespace, name, nodeId, shown, revisions, state, instances, unrun } = view;
  const { plan } = shown;
  const counts = instances.map(({ invocations }) => invocations);
  const sum = (pick: (count: (typeof counts)[number]) => number): number =>
    counts.reduce((total, count) => total + pick(count), 0);
  const lastError =
    instances.map((instance) => instance.lastError).find((error) => error !== undefined) ?? view.failure;
  return {
    name,
    namespace,
    kind: plan.kind,
    revision: shown.number,
    state,
    wanted: view.wanted,
    triggers: plan.triggers,
    restarts: view.restarts,
    instances: view.shownInstances.map((instance) => ({
      id: instance.id,
      node_id: nodeId,
      state: instance.state,
      uptime_ms: instance.uptimeMs,
    })),
    invocations: {
      ok: sum(({ ok }) => ok),
      failed: sum(({ failed }) => failed) + (unrun?.counts.failed ?? 0),
      in_flight: sum(({ in_flight }) => in_flight),
    },
    revisions: (revisions.length === 0 ? [shown] : revisions).map((each) => describeRevision(each, view)),
    deadline_ms: plan.deadlineMs,
    max_in_flight: plan.maxInFlight,
    ...(plan.connect.length === 0 ? {} : { connect: plan.connect }),
    ...(plan.hostServiceLimits === undefined ? {} : { host_service_limits: plan.hostServiceLimits }),
    tags: plan.tags,
    description: plan.description,
    ...(lastError === undefined ? {} : { last_error: { code: lastError.code, message: lastError.message } }),
  };
}

function describeRevision({ number, plan, deployedAt }: Revision, { shown, state }: WorkloadView): WorkloadRevision {
  return {
    revision: number,
    sha256: plan.artifact.sha256,
    size: plan.artifact.size,
    issuer: plan.claims.issuer,
    deployed_at: deployedAt,
    state: number === shown.number ? state : "kept",
  };
}

/** The state of its instances that deserves attention most. */
export function worstState(states: readonly InstanceState[]): string {
  const order = ["crash_loop", "restarting", "starting", "stopping", "ended", "running"] as const;
  return order.find((state) => states.includes(state)) ?? "stopped";
}
