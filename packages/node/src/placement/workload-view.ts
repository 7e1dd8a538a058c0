import type { SlotError, SlotRecord, WorkloadRecord } from "../registry/records.ts";
import type { FleetNode } from "./node-offer.ts";

/** What a node knows of the others. */
export interface FleetView {
  readonly self: string;
  /** Monotonic, ms. */
  readonly now: number;
  /** All that are there, this one too. */
  readonly nodes: ReadonlyMap<string, FleetNode>;
  /**
   * Slots that are not in the records are taken only from then on: records that were lost are written again by the
   * nodes that hold them. Default: at once.
   */
  readonly holdUntil?: number;
  /** True once a node has been silent for so long that its slots are free. */
  readonly isDead: (node: string) => boolean;
  /** True if a node is dead, or has been started anew. */
  readonly isOtherStart: (node: string, boot: string) => boolean;
}

/** A workload as this node knows it. */
export interface WorkloadView {
  /** Namespace and name. */
  readonly id: string;
  /** `unreadable` where nothing must be done about it; `undefined` for one that is stopped. */
  readonly record: WorkloadRecord | "unreadable" | undefined;
  /** Without those that cannot be read, which nobody touches. */
  readonly slots: ReadonlyMap<number, SlotRecord>;
  readonly unreadableSlots: ReadonlySet<number>;
}

/** What of a workload runs on this node. */
export interface LocalState {
  /** Of the workload that runs here; empty where nothing does. */
  readonly birth: string;
  /** The revision that takes messages; 0 for none. */
  readonly running: number;
  /** Ids of its instances. */
  readonly instances: readonly string[];
  /** Id of the rollout whose revision is up and takes no messages yet; empty for none. */
  readonly prepared: string;
  /** The last attempt to bring up a revision failed, for a rollout or to run it. */
  readonly failed: { readonly revision: number; readonly rollout?: string; readonly error: SlotError } | undefined;
  /** Something is being started or stopped. */
  readonly isBusy: boolean;
  readonly restarts: number;
  /** It has ended by itself, and stays so. */
  readonly hasEnded: boolean;
}

export interface RevisionOrder {
  readonly revision: number;
  readonly instances: number;
}

/** What a node should do about a workload. */
export interface Plan {
  /** Of the workload that the orders are about: what runs of an earlier one ends first. */
  readonly birth: string;
  /** What should take messages here; `undefined` for nothing. */
  readonly run: RevisionOrder | undefined;
  /** What should be brought up for a rollout. */
  readonly prepare: (RevisionOrder & { readonly rollout: string }) | undefined;
  /** Slots to write, or to take away where the record is `undefined`. */
  readonly slots: ReadonlyMap<number, SlotRecord | undefined>;
  /** Ends a rollout that nobody drives; removes a workload that has ended by itself. */
  readonly record: "abandon" | "forget" | undefined;
  /** Time after which something else may be due, ms. */
  readonly lookAgainMs: number | undefined;
}

export const NOTHING_LOCAL: LocalState = {
  birth: "",
  running: 0,
  instances: [],
  prepared: "",
  failed: undefined,
  isBusy: false,
  restarts: 0,
  hasEnded: false,
};
