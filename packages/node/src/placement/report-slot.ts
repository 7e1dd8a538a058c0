import type { SlotRecord, WorkloadRecord } from "../registry/records.ts";
import type { LocalState } from "./workload-view.ts";

/**
 * A slot of this node as its record should be.
 *
 * @param place of the slot among those that the node holds of the running revision; -1 for one of a rollout only
 * @param isLeaving the node gives the slot away: who has failed to take it must be remembered
 */
export function reportSlot(
  slot: SlotRecord,
  record: WorkloadRecord,
  local: LocalState,
  place: number,
  isLeaving: boolean,
): SlotRecord {
  const next = nextOf(record, local);
  const base = {
    birth: slot.birth,
    node: slot.node,
    ...(next === undefined ? {} : { next }),
  };
  const instance = place === -1 ? undefined : local.instances[place];
  if (place !== -1 && local.running === record.current && instance !== undefined) {
    return {
      ...base,
      revision: record.current,
      state: local.hasEnded ? "ended" : "running",
      instance,
      restarts: place === 0 ? local.restarts : 0,
      ...(slot.tried === undefined || !isLeaving ? {} : { tried: slot.tried }),
    };
  }
  const { failed } = local;
  const kept = {
    ...base,
    revision: slot.revision,
    restarts: slot.restarts,
    ...(slot.instance === undefined ? {} : { instance: slot.instance }),
    ...(slot.from === undefined ? {} : { from: slot.from }),
    ...(slot.tried === undefined ? {} : { tried: slot.tried }),
  };
  if (failed !== undefined && failed.rollout === undefined && failed.revision === record.current && place !== -1)
    return { ...kept, state: "failed", error: failed.error };
  // That it starts again where it ran before is nothing to write down.
  return { ...kept, state: slot.state === "failed" ? "starting" : slot.state };
}

function nextOf({ rollout }: WorkloadRecord, { prepared, failed }: LocalState): SlotRecord["next"] {
  if (rollout === undefined) return undefined;
  if (prepared === rollout.id) return { rollout: rollout.id };
  return failed?.rollout === rollout.id ? { rollout: rollout.id, error: failed.error } : undefined;
}

export function slotsDiffer(a: SlotRecord, b: SlotRecord): boolean {
  return canonical(a) !== canonical(b);
}

function canonical({ node, revision, state, next, instance, error, restarts, from, tried }: SlotRecord): string {
  const nextOne = next === undefined ? [] : [next.rollout, next.error?.code, next.error?.message];
  return JSON.stringify([
    node,
    revision,
    state,
    nextOne,
    instance,
    error?.code,
    error?.message,
    restarts,
    from,
    tried ?? [],
  ]);
}
