import { fromErrorJson, NexError } from "@nex/protocol";
import type { Rollout, SlotRecord, WorkloadRecord } from "../registry/records.ts";
import { type FleetNode, unfit } from "./node-offer.ts";
import type { FleetView } from "./workload-view.ts";

/** So long a slot of a rollout may be without a node, ms: longer than all that fit need to take it in turn. */
export const PLACING_MS = 8_000;

/** Nodes of whom a message tells why they do not fit. */
const TOLD = 4;

/** How a rollout stands: ready to count, failed, or under way. */
export function rolloutOutcome(
  view: FleetView,
  rollout: Rollout,
  record: WorkloadRecord | undefined,
  slots: ReadonlyMap<number, SlotRecord>,
  elapsedMs: number,
): "ready" | "pending" | NexError {
  if (record === undefined)
    return new NexError("cancelled", "The workload was stopped while this revision was coming up.");
  if (record.rollout?.id !== rollout.id)
    return new NexError(
      "deploy_conflict",
      "Another node took this rollout back. Look with nex info, then do it again.",
    );
  const places = Array.from({ length: rollout.replicas }, (_, at) => slots.get(at));
  for (const slot of places) {
    if (slot?.next?.rollout === rollout.id && slot.next.error !== undefined) return fromErrorJson(slot.next.error);
    if (slot !== undefined && slot.node !== "" && view.isDead(slot.node)) return lostNode(slot.node);
  }
  if (places.every((slot) => slot?.next?.rollout === rollout.id)) return "ready";
  const homeless = places.filter((slot) => slot === undefined || slot.node === "").length;
  if (homeless > 0 && elapsedMs > PLACING_MS) return noPlace(view.nodes.values(), rollout, homeless);
  return "pending";
}

/** Nobody takes so many instances. */
export function noPlace(
  nodes: Iterable<FleetNode>,
  { needs, replicas }: Pick<Rollout, "needs" | "replicas">,
  missing: number,
): NexError {
  const reasons = [...nodes].flatMap((node) => {
    const why = unfit(node, needs);
    return why === undefined ? [] : [`${node.id.slice(0, 8)} ${why}`];
  });
  const more = reasons.length > TOLD ? `, and ${reasons.length - TOLD} more` : "";
  const why = reasons.length === 0 ? "" : ` Of the nodes, ${reasons.slice(0, TOLD).join(", ")}${more}.`;
  return new NexError(
    "no_node",
    `No node takes ${missing} of the ${replicas} instances.${why} Start another node, or ask for less.`,
    { data: { missing, replicas } },
  );
}

function lostNode(node: string): NexError {
  return new NexError(
    "deploy_failed",
    `The node ${node} died while the revision was coming up there. Nothing has changed; deploy it again.`,
    { data: { node_id: node } },
  );
}
