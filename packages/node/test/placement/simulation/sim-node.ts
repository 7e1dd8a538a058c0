import type { FleetNode, NodeOffer } from "../../../src/placement/node-offer.ts";
import { reconcile } from "../../../src/placement/reconcile.ts";
import { type FleetView, NOTHING_LOCAL, type Plan, type WorkloadView } from "../../../src/placement/workload-view.ts";
import type { SlotRecord, WorkloadRecord } from "../../../src/registry/records.ts";
import type { Clock, Random } from "./clock.ts";
import { SimLocal } from "./sim-local.ts";
import type { Store, Stored } from "./store.ts";

const FAILOVER_MS = 10_000;
const BEAT_MS = 1000;
const RESYNC_MS = 20_000;

interface Known {
  readonly workload: Stored<WorkloadRecord>;
  readonly slots: ReadonlyMap<number, Stored<SlotRecord>>;
}

interface Heard {
  readonly boot: string;
  readonly offer: NodeOffer;
  at: number;
}

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly nodes: Map<string, SimNode>;
  readonly trace: (line: string) => void;
}

/** A node as the reconciler sees one: records that arrive late, or not until it looks again, and a view of the others. */
export class SimNode {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Workloads that do not start here. */
  readonly failing: Set<string> = new Set();
  boot: string;
  isAlive = true;
  isCut = false;
  isLameDuck = false;
  readonly #world: World;
  readonly #known: Map<string, Known> = new Map();
  readonly #heard: Map<string, Heard> = new Map();
  readonly local: Map<string, SimLocal> = new Map();
  readonly #since: Map<string, Map<number, number>> = new Map();
  readonly #writing: Set<string> = new Set();
  readonly #startedAt: number;
  onChange: (id: string) => void = () => undefined;

  constructor(world: World, id: string, tags: Readonly<Record<string, string>>, boot: string) {
    this.#world = world;
    this.id = id;
    this.tags = tags;
    this.boot = boot;
    this.#startedAt = world.clock.now;
    this.resync();
    this.#beat();
    this.#resyncAgain();
  }

  get isConnected(): boolean {
    return this.isAlive && !this.isCut;
  }

  get offer(): NodeOffer {
    const instances = [...this.local.values()].reduce((sum, { state }) => sum + state.instances.length, 0);
    return {
      kinds: ["javascript"],
      tags: this.tags,
      cpus: 2,
      memoryFree: 2 ** 32,
      instances,
      isLameDuck: this.isLameDuck,
    };
  }

  view(): FleetView {
    const { clock, nodes } = this.#world;
    const there = new Map<string, FleetNode>([[this.id, { id: this.id, offer: this.offer }]]);
    for (const [id, { offer, at }] of this.#heard) if (clock.now - at < 4 * BEAT_MS) there.set(id, { id, offer });
    const isDead = (id: string): boolean => {
      if (id === this.id || this.isCut) return false;
      const silentFor = clock.now - (this.#heard.get(id)?.at ?? this.#startedAt);
      // The probe: one that is connected answers.
      return silentFor > FAILOVER_MS + BEAT_MS && nodes.get(id)?.isConnected !== true;
    };
    return {
      self: this.id,
      now: clock.now,
      nodes: there,
      isDead,
      isOtherStart: (id, boot) => {
        if (id === this.id) return boot !== this.boot;
        return isDead(id) || (this.#heard.has(id) && this.#heard.get(id)!.boot !== boot);
      },
    };
  }

  known(id: string): Known {
    return this.#known.get(id) ?? { workload: { value: undefined, sequence: 0 }, slots: new Map() };
  }

  hear(from: SimNode): void {
    this.#heard.set(from.id, { boot: from.boot, offer: from.offer, at: this.#world.clock.now });
  }

  /** A hint: the records of a workload are read a moment later. */
  hint(id: string): void {
    const { clock, random } = this.#world;
    clock.after(random.between(1, 30), () => this.read(id));
  }

  read(id: string): void {
    if (!this.isConnected) return;
    const { store } = this.#world;
    this.#known.set(id, { workload: store.workload(id), slots: store.slotsOf(id) });
    this.look(id);
  }

  resync(): void {
    const { store } = this.#world;
    for (const id of new Set([...store.workloads.keys(), ...store.slots.keys(), ...this.local.keys()])) this.read(id);
  }

  /** What {@link Reconciler} does. */
  look(id: string): void {
    if (!this.isAlive || this.#writing.has(id)) return;
    const known = this.known(id);
    const since = this.#since.get(id) ?? new Map<number, number>();
    this.#since.set(id, since);
    const slots = new Map([...known.slots].map(([at, { value }]) => [at, value!]));
    const workload: WorkloadView = { id, record: known.workload.value, slots, unreadableSlots: new Set() };
    const here = this.local.get(id);
    const plan = reconcile(this.view(), workload, here?.state ?? NOTHING_LOCAL, since);
    if (here !== undefined || plan.run !== undefined || plan.prepare !== undefined) this.#localOf(id).order(plan);
    if (plan.lookAgainMs !== undefined) this.#world.clock.after(plan.lookAgainMs + 1, () => this.look(id));
    if (plan.slots.size > 0 || plan.record !== undefined) this.#write(id, known, plan);
    this.onChange(id);
  }

  #localOf(id: string): SimLocal {
    const { clock, random } = this.#world;
    const { boot } = this;
    const made =
      this.local.get(id) ??
      new SimLocal({
        clock,
        random,
        fails: () => this.failing.has(id),
        isAlive: () => this.isAlive && this.boot === boot,
        onChange: () => this.look(id),
      });
    this.local.set(id, made);
    return made;
  }

  #write(id: string, known: Known, plan: Plan): void {
    const { clock, random, store, trace } = this.#world;
    this.#writing.add(id);
    clock.after(random.between(1, 40), () => {
      this.#writing.delete(id);
      if (!this.isAlive) return;
      // Cut off, it tries again later.
      if (this.isCut) return clock.after(2000, () => this.look(id));
      for (const [at, slot] of plan.slots) {
        const isWritten = store.writeSlot(id, at, slot, known.slots.get(at)?.sequence ?? 0);
        trace(`${this.id} ${isWritten ? "writes" : "loses"} ${id}.${at} ${JSON.stringify(slot)}`);
      }
      const { value, sequence } = known.workload;
      if (plan.record !== undefined && value !== undefined) {
        const { rollout: _, ...rest } = value;
        const next = plan.record === "abandon" && value.current > 0 ? rest : undefined;
        trace(`${this.id} ${plan.record} ${id} ${store.writeWorkload(id, next, sequence)}`);
      }
      this.read(id);
    });
  }

  #beat(): void {
    const { clock, random, nodes } = this.#world;
    if (!this.isAlive) return;
    if (this.isConnected)
      for (const other of nodes.values())
        if (other !== this && other.isConnected && !random.chance(0.02)) other.hear(this);
    for (const id of this.#known.keys()) this.look(id);
    clock.after(BEAT_MS, () => this.#beat());
  }

  #resyncAgain(): void {
    if (!this.isAlive) return;
    this.resync();
    this.#world.clock.after(RESYNC_MS, () => this.#resyncAgain());
  }
}
