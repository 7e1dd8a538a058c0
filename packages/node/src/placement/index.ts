/** What nodes of a fleet decide, for whoever measures or simulates it. */
export type { SlotRecord, WorkloadRecord } from "../registry/records.ts";
export { keyOf, writeRecord } from "../registry/records.ts";
export type { FleetNode, NodeOffer } from "./node-offer.ts";
export { reconcile } from "./reconcile.ts";
export { type FleetView, type LocalState, NOTHING_LOCAL, type WorkloadView } from "./workload-view.ts";
