import type { WorkloadDetail, WorkloadSummary } from "@nex/protocol";

/** The state that deserves attention most comes first. */
const STATES = ["crash_loop", "failed", "restarting", "starting", "waiting", "stopping", "running", "stopped"];

/** One state for all: the first is taken where none is known. */
export function mergeStates(states: readonly string[]): string {
  return STATES.find((state) => states.includes(state)) ?? states[0] ?? "stopped";
}

/** One workload on several nodes as one: instances together, counts summed, the rest from the highest revision. */
export function mergeDetails(details: readonly [WorkloadDetail, ...WorkloadDetail[]]): WorkloadDetail {
  const primary = details.reduce((best, detail) => (detail.revision > best.revision ? detail : best));
  const sum = (pick: (detail: WorkloadDetail) => number): number =>
    details.reduce((total, detail) => total + pick(detail), 0);
  const failing = details.find((detail) => detail.last_error !== undefined);
  return {
    ...primary,
    state: mergeStates([primary, ...details].map((detail) => detail.state)),
    triggers: [...new Set([primary, ...details].flatMap((detail) => detail.triggers))],
    restarts: sum((detail) => detail.restarts),
    instances: details.flatMap((detail) => detail.instances),
    invocations: {
      ok: sum((detail) => detail.invocations.ok),
      failed: sum((detail) => detail.invocations.failed),
      in_flight: sum((detail) => detail.invocations.in_flight),
    },
    ...(failing?.last_error === undefined ? {} : { last_error: failing.last_error }),
  };
}

/** All workloads by name, each once. */
export function mergeAll(details: readonly WorkloadDetail[]): WorkloadDetail[] {
  const byName = new Map<string, [WorkloadDetail, ...WorkloadDetail[]]>();
  for (const detail of details) {
    const known = byName.get(detail.name);
    if (known === undefined) byName.set(detail.name, [detail]);
    else known.push(detail);
  }
  return [...byName.values()].map(mergeDetails).sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function toSummary(detail: WorkloadDetail): WorkloadSummary {
  const { name, namespace, kind, revision, state, triggers, restarts, instances, invocations } = detail;
  const { wanted, replicas, last_error } = detail;
  return {
    name,
    namespace,
    kind,
    revision,
    state,
    ...(wanted === undefined ? {} : { wanted }),
    ...(replicas === undefined ? {} : { replicas }),
    triggers,
    restarts,
    instances,
    invocations,
    ...(last_error === undefined ? {} : { last_error }),
  };
}
