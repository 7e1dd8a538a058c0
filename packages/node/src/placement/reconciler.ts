import { NexError, toNexError } from "@nex/protocol";
import { type KnownWorkload, type RecordCache } from "../registry/record-cache.ts";
import { keyOf, type SlotRecord, type WorkloadRecord } from "../registry/records.ts";
import type { LocalWorkload } from "./local-workload.ts";
import { reconcile } from "./reconcile.ts";
import { type FleetView, NOTHING_LOCAL, type Plan, type WorkloadView } from "./workload-view.ts";

/** Workloads looked at before the event loop gets its turn. */
const AT_ONCE = 100;

/** Records that could not be written are tried again after so long, ms. */
const RETRY_MS = 2_000;

export interface ReconcilerOptions {
  readonly cache: RecordCache;
  readonly view: () => FleetView;
  readonly local: (id: string) => LocalWorkload | undefined;
  readonly makeLocal: (id: string) => LocalWorkload;
  readonly dropLocal: (id: string) => void;
  /** Stopped here while its records could not be taken away. */
  readonly isStopped: (id: string) => boolean;
  /** A slot of another node, or of none, is this node's from now on. */
  readonly onClaimed: (id: string, from: string | undefined) => void;
  readonly onForgotten: (id: string, record: WorkloadRecord) => Promise<void>;
  readonly warn: (line: string) => void;
}

/** Has {@link reconcile} look at every workload of which something has changed, and does what it says. */
export class Reconciler implements Disposable {
  readonly #options: ReconcilerOptions;
  readonly #dirty: Set<string> = new Set();
  /** Workloads whose records are being written. */
  readonly #writing: Set<string> = new Set();
  readonly #since: Map<string, Map<number, number>> = new Map();
  readonly #timers: Map<string, NodeJS.Timeout> = new Map();
  #turn: NodeJS.Immediate | undefined;
  #isClosed = false;
  #isUnavailable = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  look(ids: Iterable<string>): void {
    for (const id of ids) this.#dirty.add(id);
    if (this.#dirty.size > 0 && !this.#isClosed) this.#turn ??= setImmediate(() => this.#pass());
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearImmediate(this.#turn);
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #pass(): void {
    this.#turn = undefined;
    const view = this.#options.view();
    let left = AT_ONCE;
    for (const id of this.#dirty) {
      if (left-- === 0) break;
      this.#dirty.delete(id);
      // It is looked at again once they are written.
      if (this.#writing.has(id)) continue;
      this.#lookAt(id, view);
    }
    this.look([]);
  }

  #lookAt(id: string, view: FleetView): void {
    const { cache, local, makeLocal, dropLocal, isStopped } = this.#options;
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    const known = cache.get(id);
    const workload = viewOf(id, known, isStopped(id));
    const here = local(id);
    if (known === undefined && here === undefined) return void this.#since.delete(id);
    const since = this.#since.get(id) ?? new Map<number, number>();
    this.#since.set(id, since);
    const plan = reconcile(view, workload, here?.state ?? NOTHING_LOCAL, since);
    const hasPart = plan.run !== undefined || plan.prepare !== undefined;
    if (hasPart || here !== undefined) (here ?? makeLocal(id)).order(plan);
    if (here?.isIdle === true && !hasPart) dropLocal(id);
    if (plan.lookAgainMs !== undefined) this.#lookLater(id, plan.lookAgainMs);
    if (plan.slots.size > 0 || plan.record !== undefined) void this.#write(id, workload, known, plan);
  }

  #lookLater(id: string, ms: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.set(
      id,
      setTimeout(() => this.look([id]), ms),
    );
  }

  async #write(id: string, workload: WorkloadView, known: KnownWorkload | undefined, plan: Plan): Promise<void> {
    const [namespace = "", name = ""] = id.split("/");
    this.#writing.add(id);
    try {
      await Promise.all([...plan.slots].map(async ([at, slot]) => await this.#writeSlot(id, workload, at, slot)));
      const record = known?.record;
      if (plan.record !== undefined && record !== undefined && !(record instanceof NexError)) {
        const { rollout: _, ...rest } = record;
        if (plan.record === "abandon" && record.current > 0)
          await this.#options.cache.writeWorkload(namespace, name, rest, record);
        else if (await this.#options.cache.remove(keyOf.workload(namespace, name), record))
          await this.#options.onForgotten(id, record);
      }
      this.#isUnavailable = false;
      this.#writing.delete(id);
      this.look([id]);
    } catch (error) {
      this.#writing.delete(id);
      if (this.#isClosed) return;
      // Once for all that have to wait.
      if (!this.#isUnavailable) this.#options.warn(`${toNexError(error).message} It is tried again.`);
      this.#isUnavailable = true;
      this.#lookLater(id, RETRY_MS);
    }
  }

  async #writeSlot(id: string, { slots }: WorkloadView, at: number, slot: SlotRecord | undefined): Promise<void> {
    const { cache, onClaimed, view } = this.#options;
    const [namespace = "", name = ""] = id.split("/");
    if (slot === undefined) {
      await cache.remove(keyOf.slot(namespace, name, at), slots.get(at));
      return;
    }
    const before = slots.get(at);
    const isWritten = await cache.writeSlot(namespace, name, at, slot, before);
    const { self } = view();
    if (isWritten && slot.node === self && before !== undefined && before.node !== self)
      onClaimed(id, before.node === "" ? undefined : before.node);
  }
}

function viewOf(id: string, known: KnownWorkload | undefined, isStopped: boolean): WorkloadView {
  const slots = new Map<number, SlotRecord>();
  const unreadableSlots = new Set<number>();
  for (const [at, slot] of known?.slots ?? [])
    if (slot instanceof NexError) unreadableSlots.add(at);
    else slots.set(at, slot);
  const record = known?.record;
  return {
    id,
    record: isStopped ? undefined : record instanceof NexError ? "unreadable" : record,
    slots,
    unreadableSlots,
  };
}
