import type { SlotRecord, WorkloadRecord } from "../registry/records.ts";
import { mismatch, unfit } from "./node-offer.ts";
import type { FleetView } from "./workload-view.ts";

/** Whether another node can take what of a workload is on this one, or does so already. */
export function isMovable(
  { self, nodes }: FleetView,
  { needs }: WorkloadRecord,
  slots: ReadonlyMap<number, SlotRecord>,
): boolean {
  const takers = new Set([...slots.values()].flatMap(({ node, from }) => (from === self ? [node] : [])));
  return [...nodes.values()].some((node) => {
    if (node.id === self) return false;
    return unfit(node, needs) === undefined || (takers.has(node.id) && mismatch(node, needs) === undefined);
  });
}
