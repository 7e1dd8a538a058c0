import type { SlotError, SlotRecord, WorkloadRecord } from "../registry/records.ts";
import { type FleetNode, mismatch } from "./node-offer.ts";
import { rankNodes } from "./rank-nodes.ts";
import { reportSlot, slotsDiffer } from "./report-slot.ts";
import { type FleetView, type LocalState, NOTHING_LOCAL, type Plan, type WorkloadView } from "./workload-view.ts";

/** The next node in the ranking takes a free slot so much later than the one before, ms. */
const RANK_MS = 400;

/** Where every node that fits has tried, they try again after so long, ms. */
const ALL_TRIED_MS = 15_000;

/** Keys in the times since when things are so, beside the numbers of free slots: a rollout that nobody drives… */
const ROLLOUT = -1;
/** …and slots that no node could start. */
const hopeless = (at: number): number => -2 - at;

/**
 * What this node should do about one workload: a pure function of the records, of the nodes that are there and of what
 * runs here. It is called again whenever one of them changes, and repeats itself until all is as it should be.
 *
 * @param since when a slot was first seen without a holder, by its number; kept by the caller from call to call
 */
export function reconcile(
  view: FleetView,
  workload: WorkloadView,
  local: LocalState,
  since: Map<number, number>,
): Plan {
  const { record } = workload;
  if (record === "unreadable") {
    const { birth, running: revision, instances } = local;
    const run = revision === 0 ? undefined : { revision, instances: instances.length };
    return { birth, run, prepare: undefined, slots: new Map(), record: undefined, lookAgainMs: undefined };
  }
  if (record === undefined) return stopped(view, workload, local);
  return new Reconciliation(view, workload, record, local, since).plan();
}

/** Ends what runs here, and takes the slots away once nothing does. */
function stopped({ self, isDead }: FleetView, { slots }: WorkloadView, local: LocalState): Plan {
  const isDown = local.running === 0 && local.prepared === "" && !local.isBusy;
  const changes = new Map<number, undefined>();
  for (const [at, { node }] of slots)
    if (node === "" || isDead(node) || (node === self && isDown)) changes.set(at, undefined);
  return { birth: "", run: undefined, prepare: undefined, slots: changes, record: undefined, lookAgainMs: undefined };
}

class Reconciliation {
  readonly #view: FleetView;
  readonly #workload: WorkloadView;
  readonly #record: WorkloadRecord;
  readonly #local: LocalState;
  /** Those of this workload, not of an earlier one of its name. */
  readonly #slots: ReadonlyMap<number, SlotRecord>;
  readonly #since: Map<number, number>;
  readonly #changes: Map<number, SlotRecord | undefined> = new Map();
  #lookAgainMs: number | undefined;

  constructor(
    view: FleetView,
    workload: WorkloadView,
    record: WorkloadRecord,
    local: LocalState,
    since: Map<number, number>,
  ) {
    this.#view = view;
    this.#workload = workload;
    this.#record = record;
    // What runs of an earlier workload of this name is about to end, and says nothing about this one.
    const isOther = local.birth !== "" && local.birth !== record.birth;
    this.#local = isOther ? { ...NOTHING_LOCAL, isBusy: true } : local;
    this.#slots = new Map([...workload.slots].filter(([, { birth }]) => birth === record.birth));
    this.#since = since;
  }

  plan(): Plan {
    const { current, replicas, rollout } = this.#record;
    const isDriven = rollout !== undefined && !this.#view.isOtherStart(rollout.node, rollout.boot);
    const wanted = Math.max(current > 0 ? replicas : 0, rollout?.replicas ?? 0);
    const mine = this.#slotsOf(this.#view.self).filter((at) => at < wanted);
    const held = mine.filter((at) => at < replicas);
    const handedOver = [...this.#slots].filter(([at, slot]) => at < replicas && this.#isHandedOver(slot)).length;
    const isOver = this.#hasEndedBefore(held);
    const instances = held.length + handedOver;
    const run = current === 0 || instances === 0 || isOver ? undefined : { revision: current, instances };
    const prepare = isDriven ? this.#prepare(mine) : undefined;

    let change: Plan["record"];
    if (rollout !== undefined && !isDriven && this.#isTurnOf(ROLLOUT)) change = "abandon";
    if (isOver && rollout === undefined && this.#areAllEnded(replicas)) change = "forget";

    this.#dropSurplus(wanted, instances);
    for (const at of mine) this.#report(at, held);
    this.#claim(wanted, isDriven);
    return {
      birth: this.#record.birth,
      run,
      prepare,
      slots: this.#changes,
      record: change,
      lookAgainMs: this.#lookAgainMs,
    };
  }

  #slotsOf(node: string): number[] {
    return [...this.#slots]
      .filter(([, slot]) => slot.node === node)
      .map(([at]) => at)
      .sort((a, b) => a - b);
  }

  /** Another node has taken the slot over from this one and does not run it yet. */
  #isHandedOver({ node, from, state }: SlotRecord): boolean {
    return from === this.#view.self && node !== this.#view.self && state !== "running" && this.#local.running > 0;
  }

  /** A service that ended by itself before this node was started. */
  #hasEndedBefore(held: readonly number[]): boolean {
    if (held.length === 0 || this.#local.running === this.#record.current) return false;
    return held.every((at) => this.#isEnded(at));
  }

  #isEnded(at: number): boolean {
    const slot = this.#slots.get(at);
    return slot?.state === "ended" && slot.revision === this.#record.current;
  }

  #areAllEnded(replicas: number): boolean {
    return Array.from({ length: replicas }, (_, at) => at).every((at) => this.#isEnded(at));
  }

  /** Nothing is brought up until every slot of the rollout has a holder: only then is it known how much. */
  #prepare(mine: readonly number[]): Plan["prepare"] {
    const { rollout, current } = this.#record;
    const slots = this.#slots;
    if (rollout === undefined || rollout.revision === current) return undefined;
    const isPlaced = Array.from({ length: rollout.replicas }, (_, at) => slots.get(at)?.node ?? "").every(
      (node) => node !== "",
    );
    const instances = mine.filter((at) => at < rollout.replicas).length;
    if (!isPlaced || instances === 0 || this.#local.failed?.rollout === rollout.id) return undefined;
    return { revision: rollout.revision, instances, rollout: rollout.id };
  }

  /** Slots beyond those wanted go once they have no instance any more. */
  #dropSurplus(wanted: number, instances: number): void {
    const { self, isDead } = this.#view;
    const isDown = this.#local.instances.length <= instances && !this.#local.isBusy && this.#local.prepared === "";
    for (const [at, { node, birth }] of this.#workload.slots) {
      if (at < wanted) continue;
      const isNobodys = node === "" || isDead(node) || birth !== this.#record.birth;
      if (isNobodys || (node === self && isDown)) this.#changes.set(at, undefined);
    }
  }

  /** Says how a slot of this node is, or gives it to others where it cannot be brought up here. */
  #report(at: number, held: readonly number[]): void {
    const slot = this.#slots.get(at)!;
    const { failed, running, instances } = this.#local;
    const { current } = this.#record;
    const place = held.indexOf(at);
    const isMissing = running !== current || place >= instances.length;
    const hasFailed = failed !== undefined && failed.rollout === undefined && failed.revision === current;
    if (place === -1 || !isMissing || !hasFailed) this.#since.delete(hopeless(at));
    else if (this.#giveAway(at, slot, failed.error)) return;
    const next = reportSlot(slot, this.#record, this.#local, place, this.#shouldLeave(this.#view.self));
    if (slotsDiffer(slot, next)) this.#changes.set(at, next);
  }

  /** False where nobody else could do better. */
  #giveAway(at: number, slot: SlotRecord, error: SlotError): boolean {
    const { self, nodes, isDead } = this.#view;
    const tried = [...new Set([...(slot.tried ?? []), self])];
    if (slot.from !== undefined && nodes.has(slot.from) && !isDead(slot.from)) {
      const { from, ...rest } = slot;
      this.#changes.set(at, { ...rest, node: from, state: "running", revision: this.#record.current, tried });
      return true;
    }
    const others = (excluded: readonly string[]): number =>
      (
        rankNodes(
          nodes.values(),
          this.#candidates([at], () => excluded),
        ).get(at) ?? []
      ).length;
    const isUntried = others(tried) > 0;
    // All have tried, and the first ones so long ago that it may be otherwise now.
    if (!isUntried && (others([self]) === 0 || !this.#isDue(hopeless(at), ALL_TRIED_MS))) return false;
    this.#since.delete(hopeless(at));
    const next = { birth: slot.birth, node: "", revision: 0, state: "failed", restarts: 0, error } as const;
    this.#changes.set(at, { ...next, tried: isUntried ? tried : [self] });
    return true;
  }

  #claim(wanted: number, isDriven: boolean): void {
    const free = Array.from({ length: wanted }, (_, at) => at).filter((at) => this.#isFree(at, isDriven));
    for (const at of this.#since.keys()) if (at >= 0 && !free.includes(at)) this.#since.delete(at);
    if (free.length === 0) return;
    const { self, nodes } = this.#view;
    const slots = this.#slots;
    const triedBy = (at: number): readonly string[] => slots.get(at)?.tried ?? [];
    const ranks = rankNodes(nodes.values(), this.#candidates(free, triedBy));
    const triedByAll = free.filter((at) => ranks.get(at)!.length === 0);
    const again = rankNodes(
      nodes.values(),
      this.#candidates(triedByAll, () => []),
    );
    for (const at of free) {
      if (this.#mayBeWrittenAgain(at)) continue;
      const isAgain = again.has(at);
      const rank = (again.get(at) ?? ranks.get(at)!).indexOf(self);
      if (rank === -1) continue;
      if (!this.#isDue(at, rank * RANK_MS + (isAgain ? ALL_TRIED_MS : 0))) continue;
      this.#changes.set(at, claimOf(this.#record.birth, self, slots.get(at), nodes, isAgain));
    }
  }

  /** Its holder may not have noticed yet that the records were lost. */
  #mayBeWrittenAgain(at: number): boolean {
    const { now, holdUntil = now } = this.#view;
    const { current, replicas } = this.#record;
    const isMissed = current > 0 && at < replicas && !this.#workload.slots.has(at);
    if (!isMissed || now >= holdUntil) return false;
    this.#lookAgainMs = Math.min(holdUntil - now, this.#lookAgainMs ?? Infinity);
    return true;
  }

  #isFree(at: number, isDriven: boolean): boolean {
    if (this.#workload.unreadableSlots.has(at)) return false;
    const slot = this.#slots.get(at);
    if (slot === undefined || slot.node === "") return true;
    // While a revision is rolled out, its slots stay with the nodes that bring it up: it is taken back if one dies.
    if (isDriven || slot.node === this.#view.self || slot.state === "ended") return false;
    if (this.#view.isDead(slot.node)) return true;
    return this.#shouldLeave(slot.node);
  }

  /** Whether a node gives its slots away: as a lame duck, or because a redeploy said that they belong elsewhere. */
  #shouldLeave(id: string): boolean {
    const holder = this.#view.nodes.get(id);
    return holder !== undefined && (holder.offer.isLameDuck || mismatch(holder, this.#record.needs) !== undefined);
  }

  #candidates(free: readonly number[], tried: (slot: number) => readonly string[]): Parameters<typeof rankNodes>[1] {
    const { rollout, needs } = this.#record;
    const held = new Map<string, number>();
    for (const [at, { node }] of this.#slots)
      if (node !== "" && !free.includes(at)) held.set(node, (held.get(node) ?? 0) + 1);
    return {
      id: this.#workload.id,
      needs: rollout?.needs ?? needs,
      free,
      held,
      tried,
      preferred: rollout?.node,
    };
  }

  /** True once this node's turn has come to do what any node may do, in the order of their ids. */
  #isTurnOf(what: number): boolean {
    const order = [...this.#view.nodes.keys()].sort();
    return this.#isDue(what, order.indexOf(this.#view.self) * RANK_MS);
  }

  #isDue(what: number, afterMs: number): boolean {
    const { now } = this.#view;
    const first = this.#since.get(what) ?? now;
    this.#since.set(what, first);
    const left = first + afterMs - now;
    if (left <= 0) return true;
    this.#lookAgainMs = Math.min(left, this.#lookAgainMs ?? Infinity);
    return false;
  }
}

/** Another node's slot, taken over; from one that still runs it, where there is such a one. */
function claimOf(
  birth: string,
  self: string,
  slot: SlotRecord | undefined,
  nodes: ReadonlyMap<string, FleetNode>,
  isAgain: boolean,
): SlotRecord {
  const runsAt = slot?.state === "running" ? slot.node : slot?.from;
  return {
    birth,
    node: self,
    revision: 0,
    state: "starting",
    restarts: 0,
    ...(runsAt !== undefined && runsAt !== self && nodes.has(runsAt) ? { from: runsAt } : {}),
    ...(slot?.tried === undefined || isAgain ? {} : { tried: slot.tried }),
  };
}
