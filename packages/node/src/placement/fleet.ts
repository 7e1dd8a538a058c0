import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import { Bucket } from "../jetstream/bucket.ts";
import { enterNexus } from "../registry/nexus.ts";
import { RecordCache } from "../registry/record-cache.ts";
import type { SlotRecord, WorkloadRecord } from "../registry/records.ts";
import { Revisions } from "../registry/revisions.ts";
import { idOf, splitId } from "../registry/workload-id.ts";
import type { FleetOptions } from "./fleet-options.ts";
import { isMovable } from "./is-movable.ts";
import { Lanes } from "./lanes.ts";
import { LocalWorkload, type ReadRevision } from "./local-workload.ts";
import { LostRecords } from "./lost-records.ts";
import { type NodeOffer, unfit } from "./node-offer.ts";
import { Presence } from "./presence.ts";
import { Reconciler } from "./reconciler.ts";
import { Rollouts } from "./rollouts.ts";
import { Stops } from "./stops.ts";
import { refuseTwin, twinError } from "./twin.ts";
import type { FleetView } from "./workload-view.ts";

/** Between looks at what moves by and by, ms. */
const LOOK_MS = 25;

/** What is known of the other nodes holds for so long, ms: many workloads are looked at one after the other. */
const VIEW_MS = 5;

/** The nodes of a nexus as one: what should run is in its records, and each node does its part. */
export class Fleet implements AsyncDisposable {
  readonly rollouts: Rollouts;
  readonly stops: Stops;
  readonly cache: RecordCache;
  readonly presence: Presence;
  readonly #options: FleetOptions;
  readonly #lostRecords: LostRecords;
  readonly #revisions: Revisions;
  readonly #reconciler: Reconciler;
  readonly #lanes: Lanes = new Lanes(Math.max(2, availableParallelism()));
  readonly #local: Map<string, LocalWorkload> = new Map();
  /** Slots that this node held when it last looked. */
  readonly #held: Map<string, ReadonlySet<number>> = new Map();
  readonly #stopping: AbortController = new AbortController();
  #view: FleetView | undefined;
  /** After the records were lost the others have so long to write theirs again. */
  #holdUntil = 0;
  #isRunning = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { connection, identity, replicas, warn } = options;
    const bucket = new Bucket(connection, {
      name: `nex_${identity.nexus}`,
      description: "what the nodes of this nexus run",
      replicas,
    });
    this.cache = new RecordCache(connection, bucket, identity.nexus, warn);
    this.cache.onChange = (ids) => this.#onRecords(ids);
    this.cache.onLost = () => void this.verify();
    this.#revisions = new Revisions(bucket);
    this.presence = this.#makePresence();
    const { signal: stopping } = this.#stopping;
    this.rollouts = new Rollouts({
      cache: this.cache,
      boot: this.presence.boot,
      view: () => this.view(),
      lastHere: (id) => Math.max(this.#revisions.last(id), options.supervisor.find(...splitId(id))?.running ?? 0),
      stopping,
    });
    this.stops = new Stops({
      cache: this.cache,
      record: (id) => this.record(...splitId(id)),
      slots: (id) => this.#slots(id),
      isDownHere: (id) => options.supervisor.find(...splitId(id)) === undefined,
      isThere: (node) => this.view().nodes.has(node),
      look: (id) => this.#reconciler.look([id]),
      stopping,
      warn,
    });
    this.#lostRecords = new LostRecords({
      cache: this.cache,
      revisions: this.#revisions,
      self: identity.nodeId,
      enter: async () => await this.#enter(),
      pause: () => {
        this.#isRunning = false;
        this.#holdUntil = performance.now() + options.failoverMs;
      },
      resume: () => this.start(),
      stopping,
      warn,
    });
    this.#reconciler = this.#makeReconciler();
  }

  /**
   * Reads the records, and shows what of them this node is to run. Nothing runs yet.
   * @throws NexError `nexus_key_mismatch`, `already_running`, `jetstream_unavailable`
   */
  async open(): Promise<void> {
    await this.cache.open();
    await this.#enter();
    await refuseTwin(this.#options.connection, this.#options.identity.nodeId);
    await this.presence.open();
    const mine = this.cache.ids().filter((id) => this.#slotsOf(id).length > 0);
    await Promise.all(mine.map(async (id) => await this.#adopt(id)));
    for (const id of this.cache.ids()) for (const { node } of this.#slots(id).values()) this.presence.expect(node);
  }

  /** Begins to run what should run here. */
  start(): void {
    this.#isRunning = true;
    this.#reconciler.look([...this.cache.ids(), ...this.#local.keys()]);
  }

  /** Nodes that are there, and what is known of them. */
  view(): FleetView {
    const now = performance.now();
    if (this.#view !== undefined && now - this.#view.now < VIEW_MS) return this.#view;
    this.#view = {
      self: this.#options.identity.nodeId,
      now,
      nodes: this.presence.nodes(),
      holdUntil: this.#holdUntil,
      isDead: (id) => this.presence.isDead(id),
      isOtherStart: (id, boot) => this.presence.isOtherStart(id, boot),
    };
    return this.#view;
  }

  record(namespace: string, name: string): WorkloadRecord | undefined {
    const id = idOf(namespace, name);
    const record = this.stops.isOwed(id) ? undefined : this.cache.get(id)?.record;
    return record instanceof NexError ? undefined : record;
  }

  slots(namespace: string, name: string): ReadonlyMap<number, SlotRecord> {
    return this.#slots(idOf(namespace, name));
  }

  /** Slots of a workload that this node holds. */
  mine(namespace: string, name: string): number[] {
    return this.#slotsOf(idOf(namespace, name));
  }

  /** Workloads of a namespace that are in the records, by name. */
  names(namespace: string): string[] {
    return this.cache
      .ids()
      .map(splitId)
      .flatMap(([at, name]) => (at === namespace ? [name] : []));
  }

  /** Something of a workload here has changed: it was restarted, or ended. */
  onLocalChange(namespace: string, name: string): void {
    if (this.#isRunning && !this.#stopping.signal.aborted) this.#reconciler.look([idOf(namespace, name)]);
  }

  /**
   * Before a deploy: records that were lost are written again, and those of a stop that could not be taken away go, so
   * that neither is taken for the new deploy's.
   * @throws NexError `jetstream_unavailable`
   */
  async makeReady(namespace: string, name: string): Promise<void> {
    if (!(await this.#lostRecords.isWhole())) await this.#lostRecords.lookOnce();
    await this.stops.pay(namespace, name);
  }

  /** After the connection was away: reads what has changed, or writes again what was lost. */
  async verify(): Promise<void> {
    await this.#lostRecords.look();
  }

  /**
   * Gives what runs here to other nodes, as far as others can take it: each replacement is up before its original
   * ends. Resolves when nothing is left that could go, or when `signal` is aborted.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.presence.announce();
    this.#reconciler.look(this.cache.ids());
    while (!signal.aborted && this.#movable().length > 0)
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }

  /** Gives no more orders, and ends the deploys that it drives. What runs and what is in the records stays as it is. */
  halt(): void {
    const reason = new NexError("cancelled", "The node is stopping.");
    this.#stopping.abort(reason);
    this.#reconciler[Symbol.dispose]();
    for (const local of this.#local.values()) local.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.halt();
    await this.stops.payAll();
    await this.presence[Symbol.asyncDispose]();
    await this.cache[Symbol.asyncDispose]();
    await this.#lostRecords.settled();
  }

  #makePresence(): Presence {
    const { connection, identity, failoverMs, report } = this.#options;
    return new Presence({
      connection,
      nexus: identity.nexus,
      id: identity.nodeId,
      key: identity.exchangeKey,
      offer: () => this.#offer(),
      failoverMs,
      onChange: () => this.#onNodes(),
      onLost: (node) => report.nodeLost(node),
      onTwin: (boot) => this.#onTwin(boot),
    });
  }

  #makeReconciler(): Reconciler {
    const { report, warn } = this.#options;
    return new Reconciler({
      cache: this.cache,
      view: () => this.view(),
      local: (id) => this.#local.get(id),
      makeLocal: (id) => this.#makeLocal(id),
      dropLocal: (id) => {
        this.#local.delete(id);
        this.#revisions.keep(id, []);
      },
      isStopped: (id) => this.stops.isOwed(id),
      onClaimed: (id, from) => report.taken(...splitId(id), from),
      onForgotten: async (id, record) => await this.stops.discardRevisions(id, record),
      warn,
    });
  }

  #makeLocal(id: string): LocalWorkload {
    const { supervisor, report } = this.#options;
    const [namespace, name] = splitId(id);
    const restarts = (): number =>
      this.#slotsOf(id).reduce((sum, at) => sum + (this.#slots(id).get(at)?.restarts ?? 0), 0);
    const local = new LocalWorkload({
      namespace,
      name,
      supervisor,
      lanes: this.#lanes,
      read: async (revision) => await this.#read(namespace, name, revision),
      earlierRestarts: restarts,
      onChange: () => this.#reconciler.look([id]),
      onFailed: (error) => report.notRestored(namespace, name, error),
    });
    this.#local.set(id, local);
    return local;
  }

  async #read(namespace: string, name: string, revision: number): Promise<ReadRevision> {
    const record = await this.#revisions.read(namespace, name, revision);
    const kept = this.record(namespace, name)?.kept.map((each) => each.revision) ?? [];
    this.#revisions.keep(idOf(namespace, name), [...kept, revision]);
    return this.#options.plan(namespace, name, record);
  }

  async #adopt(id: string): Promise<void> {
    const record = this.record(...splitId(id));
    const slots = this.#slotsOf(id);
    const hasEnded = slots.every((at) => this.#slots(id).get(at)?.state === "ended");
    if (record === undefined || record.current === 0 || hasEnded) return;
    try {
      await this.#makeLocal(id).adopt(record.birth, { revision: record.current, instances: slots.length });
    } catch {
      // It is told of when it is tried to bring it up.
    }
  }

  #offer(): NodeOffer {
    const { offer, maxInstances } = this.#options;
    if (maxInstances === 0) return offer();
    let held = 0;
    for (const slots of this.#held.values()) held += slots.size;
    return { ...offer(), places: Math.max(0, maxInstances - held) };
  }

  #slots(id: string): ReadonlyMap<number, SlotRecord> {
    const readable = new Map<number, SlotRecord>();
    for (const [at, slot] of this.cache.get(id)?.slots ?? []) if (!(slot instanceof NexError)) readable.set(at, slot);
    return readable;
  }

  #slotsOf(id: string): number[] {
    const self = this.#options.identity.nodeId;
    return [...this.#slots(id)].filter(([, { node }]) => node === self).map(([at]) => at);
  }

  #onRecords(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      for (const { node } of this.#slots(id).values()) this.presence.expect(node);
      this.#noticeMoves(id);
    }
    this.#view = undefined;
    if (this.#isRunning) this.#reconciler.look(ids);
    this.rollouts.look(ids);
  }

  /** Says so when another node has taken a slot that this one did not give away. */
  #noticeMoves(id: string): void {
    const { self } = this.view();
    const slots = this.#slots(id);
    const record = this.record(...splitId(id));
    const isGiver =
      record === undefined || unfit({ id: self, offer: this.#options.offer() }, record.needs) !== undefined;
    for (const at of this.#held.get(id) ?? []) {
      const slot = slots.get(at);
      if (slot === undefined || slot.node === self || slot.node === "" || isGiver) continue;
      if (slot.from !== self && slot.tried?.includes(self) !== true)
        this.#options.report.lost(...splitId(id), slot.node);
    }
    const mine = this.#slotsOf(id);
    if (mine.length === 0) this.#held.delete(id);
    else this.#held.set(id, new Set(mine));
  }

  #onNodes(): void {
    this.#view = undefined;
    if (this.#isRunning) this.#reconciler.look(this.cache.ids());
    this.rollouts.lookAtAll();
  }

  /** Workloads here that another node could take, or takes. */
  #movable(): string[] {
    return this.cache.ids().filter((id) => {
      const record = this.record(...splitId(id));
      const isHere = this.#slotsOf(id).length > 0 || (this.#local.get(id)?.state.running ?? 0) > 0;
      return record !== undefined && isHere && isMovable(this.view(), record, this.#slots(id));
    });
  }

  async #enter(): Promise<void> {
    const { identity, warn } = this.#options;
    const self = identity.nodeId;
    const xkey = identity.exchangeKey.publicKey;
    const isShared = (): boolean =>
      this.cache.ids().some((each) => [...this.#slots(each).values()].some(({ node }) => node !== self));
    const membership = { xkey, node: self, name: identity.nexus, isShared, warn };
    const { id } = await enterNexus(this.cache.bucket, membership);
    this.cache.nexusId = id;
  }

  /** Two that were started at one moment: the first one stays. */
  #onTwin(boot: string): void {
    const { identity, warn, onTwin } = this.#options;
    const error = twinError(identity.nodeId);
    if (boot > this.presence.boot) warn(error.message);
    else onTwin(error);
  }
}
