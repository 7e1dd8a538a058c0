import { NexError, type WorkloadDetail } from "@nex/protocol";
import type { Fleet } from "../../placement/fleet.ts";
import { noPlace } from "../../placement/rollout-outcome.ts";
import type { SlotRecord, WorkloadRecord } from "../../registry/records.ts";
import { idOf } from "../../registry/workload-id.ts";

/** What a node tells of a workload that it runs, and what the records know beyond that. */
export function withRecord(fleet: Fleet, detail: WorkloadDetail): WorkloadDetail {
  const { namespace, name } = detail;
  const record = fleet.record(namespace, name);
  if (record === undefined) return detail;
  const revisions = record.kept.map(({ revision, sha256, size, deployedAt }) => ({
    revision,
    sha256,
    size,
    issuer: record.owner,
    deployed_at: deployedAt,
    state: revision === detail.revision ? detail.state : "kept",
  }));
  const lastError = detail.last_error ?? whyMissing(fleet, record, fleet.slots(namespace, name));
  return {
    ...detail,
    replicas: record.replicas,
    ...(revisions.length === 0 ? {} : { revisions }),
    ...(lastError === undefined ? {} : { last_error: lastError }),
  };
}

/** Workloads of which nobody else tells: no node that is there holds them, or this one does and cannot run them. */
export function unheld(fleet: Fleet, namespace: string, known: ReadonlySet<string>): WorkloadDetail[] {
  const { nodes, self } = fleet.view();
  return fleet.names(namespace).flatMap((name) => {
    const record = known.has(name) ? undefined : fleet.record(namespace, name);
    if (record === undefined || record.current === 0) return [];
    const slots = fleet.slots(namespace, name);
    const holders = [...slots.values()].filter(({ node }) => nodes.has(node));
    if (holders.some(({ node }) => node !== self)) return [];
    return [unheldDetail(fleet, namespace, name, record, slots)];
  });
}

function unheldDetail(
  fleet: Fleet,
  namespace: string,
  name: string,
  record: WorkloadRecord,
  slots: ReadonlyMap<number, SlotRecord>,
): WorkloadDetail {
  const failed =
    unreadable(fleet, namespace, name) ?? [...slots.values()].find(({ error }) => error !== undefined)?.error;
  const lastError = failed ?? whyMissing(fleet, record, slots);
  const state = failed === undefined ? "waiting" : "failed";
  return {
    name,
    namespace,
    kind: record.needs.kind,
    revision: record.current,
    state,
    wanted: "running",
    replicas: record.replicas,
    triggers: [],
    restarts: 0,
    instances: [],
    invocations: { ok: 0, failed: 0, in_flight: 0 },
    revisions: record.kept.map(({ revision, sha256, size, deployedAt }) => ({
      revision,
      sha256,
      size,
      issuer: record.owner,
      deployed_at: deployedAt,
      state: revision === record.current ? state : "kept",
    })),
    deadline_ms: 0,
    max_in_flight: 0,
    tags: {},
    description: "",
    ...(lastError === undefined ? {} : { last_error: { code: lastError.code, message: lastError.message } }),
  };
}

function whyMissing(
  fleet: Fleet,
  record: WorkloadRecord,
  slots: ReadonlyMap<number, SlotRecord>,
): { readonly code: string; readonly message: string } | undefined {
  const { nodes } = fleet.view();
  const places = Array.from({ length: record.replicas }, (_, at) => slots.get(at));
  const missing = places.filter((slot) => slot === undefined || !nodes.has(slot.node)).length;
  if (missing === 0) return undefined;
  const { code, message } = noPlace(nodes.values(), record, missing);
  return { code, message };
}

function unreadable({ cache }: Fleet, namespace: string, name: string): NexError | undefined {
  const known = cache.get(idOf(namespace, name));
  return [known?.record, ...(known?.slots.values() ?? [])].find((record) => record instanceof NexError);
}
