import { randomUUID } from "node:crypto";
import { NexError } from "@nex/protocol";
import type { RecordCache } from "../registry/record-cache.ts";
import {
  keyOf,
  type KeptRevision,
  type Needs,
  readRevision,
  type RevisionRecord,
  type Rollout,
  type SlotRecord,
  type WorkloadRecord,
  writeRevision,
} from "../registry/records.ts";
import { idOf } from "../registry/workload-id.ts";
import { unfit } from "./node-offer.ts";
import { noPlace, PLACING_MS, rolloutOutcome } from "./rollout-outcome.ts";
import type { FleetView } from "./workload-view.ts";

/** Revisions kept for a rollback, the running one included. */
const KEPT_REVISIONS = 5;

/** Others may write a workload's record at the same moment; so often it is read and tried again. */
const ATTEMPTS = 8;

/** A rollout ends after so long in any case: starts and downloads have shorter deadlines of their own, ms. */
const ROLLOUT_MS = 120_000;

/** Once a revision counts, its answer waits so long for all to run it, ms. */
const SETTLE_MS = 5_000;

export interface NewRevision extends Omit<RevisionRecord, "deployedAt"> {
  readonly owner: string;
  readonly replicas: number;
  readonly needs: Needs;
}

/** A revision that runs in all its slots. */
export interface RolledOut {
  readonly record: WorkloadRecord;
  readonly slots: ReadonlyMap<number, SlotRecord>;
}

export interface RolloutsOptions {
  readonly cache: RecordCache;
  readonly boot: string;
  readonly view: () => FleetView;
  /** Numbers in use here, which a bucket that was lost has forgotten. */
  readonly lastHere: (id: string) => number;
  readonly stopping: AbortSignal;
}

/** Drives deploys and rollbacks that came to this node: all slots bring the revision up, then it counts, or none keeps it. */
export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #turns: Map<string, Promise<unknown>> = new Map();
  readonly #waiting: Map<string, Set<() => void>> = new Map();

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  /** Something of these workloads has changed. */
  look(ids: Iterable<string>): void {
    for (const id of ids) for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  /** The nodes that are there have changed. */
  lookAtAll(): void {
    this.look(this.#waiting.keys());
  }

  /** @throws NexError as a deploy does; all is then as before */
  async deploy(namespace: string, name: string, revision: NewRevision): Promise<RolledOut> {
    return await this.#inTurn(namespace, name, async () => {
      const deployedAt = new Date().toISOString();
      const { owner, replicas, needs, body, artifact } = revision;
      const bytes = writeRevision({ body, artifact, deployedAt });
      /** Numbers that were found taken: by a deploy over another node, or by one whose node has died. */
      let taken = 0;
      const { record, rollout } = await this.#begin(
        namespace,
        name,
        (before) => {
          if (before !== undefined && before.owner !== owner) throw notOwner(name, before.owner, owner);
          const last = Math.max(before?.last ?? 0, this.#options.lastHere(idOf(namespace, name)), taken);
          const next = this.#newRollout(last + 1, replicas, needs);
          const fresh = { birth: randomUUID(), owner, last, current: 0, kept: [], replicas, needs };
          return { ...(before ?? fresh), last: last + 1, rollout: next };
        },
        async (number) => {
          if (await this.#options.cache.createRevision(keyOf.revision(namespace, name, number), bytes)) return true;
          taken = Math.max(taken, number);
          return false;
        },
      );
      const kept = { revision: rollout.revision, sha256: artifact.sha256, size: artifact.size, deployedAt };
      const done = await this.#carryOut(namespace, name, rollout, (now) => [kept, ...now].slice(0, KEPT_REVISIONS));
      void this.#discardOld(namespace, name, record.kept, done.record.kept);
      return done;
    });
  }

  /** Runs a kept revision again. @throws NexError `workload_not_found`, `revision_not_found`, and as a deploy does */
  async rollback(
    namespace: string,
    name: string,
    number: number,
    needsOf: (revision: RevisionRecord) => { readonly replicas: number; readonly needs: Needs },
  ): Promise<RolledOut> {
    return await this.#inTurn(namespace, name, async () => {
      const key = keyOf.revision(namespace, name, number);
      const found = await this.#options.cache.bucket.get(key);
      if (found?.bytes === undefined) throw missingRecord(key);
      const { replicas, needs } = needsOf(readRevision(key, found.bytes));
      const { rollout } = await this.#begin(namespace, name, (before) => {
        if (before === undefined) throw new NexError("workload_not_found", `There is no workload "${name}" any more.`);
        return { ...before, rollout: this.#newRollout(number, replicas, needs) };
      });
      return await this.#carryOut(namespace, name, rollout, (kept) => kept);
    });
  }

  #newRollout(revision: number, replicas: number, needs: Needs): Rollout {
    return { id: randomUUID(), revision, replicas, needs, node: this.#options.view().self, boot: this.#options.boot };
  }

  async #begin(
    namespace: string,
    name: string,
    next: (before: WorkloadRecord | undefined) => WorkloadRecord & { readonly rollout: Rollout },
    create?: (number: number) => Promise<boolean>,
  ): Promise<{ readonly record: WorkloadRecord; readonly rollout: Rollout }> {
    const { cache } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = this.#readable(namespace, name);
      this.#checkFree(name, before);
      const record = next(before);
      const { revision } = record.rollout;
      this.#checkPlaces(namespace, name, record.rollout);
      if (create !== undefined && !(await create(revision))) {
        await cache.refresh(keyOf.workload(namespace, name));
        continue;
      }
      const isWritten = await cache.writeWorkload(namespace, name, record, before);
      if (isWritten) return { record, rollout: record.rollout };
      if (create !== undefined) await cache.bucket.discard(keyOf.revision(namespace, name, revision));
    }
    throw conflict(name);
  }

  async #carryOut(
    namespace: string,
    name: string,
    rollout: Rollout,
    keptOf: (kept: readonly KeptRevision[]) => readonly KeptRevision[],
  ): Promise<RolledOut> {
    try {
      await this.#until(namespace, name, rollout);
      const { revision: current, replicas, needs } = rollout;
      await this.#change(namespace, name, rollout, ({ rollout: _, ...record }) => ({
        ...record,
        current,
        replicas,
        needs,
        kept: keptOf(record.kept),
      }));
    } catch (error) {
      await this.#takeBack(namespace, name, rollout).catch(() => undefined);
      throw error;
    }
    return await this.#settled(namespace, name, rollout);
  }

  /** Resolves when the revision is up in all slots. */
  async #until(namespace: string, name: string, rollout: Rollout): Promise<void> {
    const { view, stopping } = this.#options;
    const begun = performance.now();
    await this.#watch(namespace, name, ROLLOUT_MS, () => {
      if (stopping.aborted) throw stopping.reason;
      const known = this.#known(namespace, name);
      const outcome = rolloutOutcome(view(), rollout, known.record, known.slots, performance.now() - begun);
      if (outcome instanceof NexError) throw outcome;
      return outcome === "ready";
    });
  }

  /** Waits a moment for all slots to run the revision; that they will is certain by now. */
  async #settled(namespace: string, name: string, { revision, replicas }: Rollout): Promise<RolledOut> {
    const run = (): boolean => {
      const { slots } = this.#known(namespace, name);
      return Array.from({ length: replicas }, (_, at) => slots.get(at)).every((slot) => slot?.revision === revision);
    };
    await this.#watch(namespace, name, SETTLE_MS, run).catch(() => undefined);
    const { record, slots } = this.#known(namespace, name);
    if (record === undefined) throw new NexError("cancelled", "The workload was stopped right after it had come up.");
    return { record, slots };
  }

  async #watch(namespace: string, name: string, timeoutMs: number, isDone: () => boolean): Promise<void> {
    const id = idOf(namespace, name);
    const { stopping } = this.#options;
    const done = Promise.withResolvers<void>();
    const look = (): void => {
      try {
        if (isDone()) done.resolve();
      } catch (error) {
        done.reject(error);
      }
    };
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(look));
    const late = setTimeout(
      () => done.reject(new NexError("timeout", `The revision did not come up within ${timeoutMs / 1000} s.`)),
      timeoutMs,
    );
    const placing = setTimeout(look, PLACING_MS + 100);
    stopping.addEventListener("abort", look);
    look();
    try {
      await done.promise;
    } finally {
      clearTimeout(late);
      clearTimeout(placing);
      stopping.removeEventListener("abort", look);
      waiting.delete(look);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
  }

  /** Changes the record as long as the rollout is this one. @throws NexError `deploy_conflict` */
  async #change(
    namespace: string,
    name: string,
    rollout: Rollout,
    change: (record: WorkloadRecord) => WorkloadRecord,
  ): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const record = this.#readable(namespace, name);
      if (record?.rollout?.id !== rollout.id) throw conflict(name);
      if (await this.#options.cache.writeWorkload(namespace, name, change(record), record)) return;
    }
    throw conflict(name);
  }

  async #takeBack(namespace: string, name: string, rollout: Rollout): Promise<void> {
    const { cache } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const record = this.#readable(namespace, name);
      if (record?.rollout?.id !== rollout.id) break;
      const { rollout: _, ...rest } = record;
      const isDone =
        record.current > 0
          ? await cache.writeWorkload(namespace, name, rest, record)
          : await cache.remove(keyOf.workload(namespace, name), record);
      if (isDone) break;
    }
    const kept = this.#readable(namespace, name)?.kept ?? [];
    if (!kept.some(({ revision }) => revision === rollout.revision))
      await cache.bucket.discard(keyOf.revision(namespace, name, rollout.revision));
  }

  async #discardOld(
    namespace: string,
    name: string,
    before: readonly KeptRevision[],
    now: readonly KeptRevision[],
  ): Promise<void> {
    const dropped = before.filter(({ revision }) => !now.some((kept) => kept.revision === revision));
    // They take room and do no harm, should this fail.
    for (const { revision } of dropped)
      await this.#options.cache.bucket.discard(keyOf.revision(namespace, name, revision)).catch(() => undefined);
  }

  #known(namespace: string, name: string): { record: WorkloadRecord | undefined; slots: Map<number, SlotRecord> } {
    const known = this.#options.cache.get(idOf(namespace, name));
    const record = known?.record instanceof NexError ? undefined : known?.record;
    const slots = new Map<number, SlotRecord>();
    for (const [at, slot] of known?.slots ?? [])
      if (!(slot instanceof NexError) && slot.birth === record?.birth) slots.set(at, slot);
    return { record, slots };
  }

  /** @throws NexError `record_unreadable` */
  #readable(namespace: string, name: string): WorkloadRecord | undefined {
    const record = this.#options.cache.get(idOf(namespace, name))?.record;
    if (record instanceof NexError) throw record;
    return record;
  }

  #checkFree(name: string, before: WorkloadRecord | undefined): void {
    const { rollout } = before ?? {};
    if (rollout === undefined || this.#options.view().isOtherStart(rollout.node, rollout.boot)) return;
    if (rollout.node === this.#options.view().self) return;
    throw conflict(name);
  }

  /** That nobody can take it is said at once. */
  #checkPlaces(namespace: string, name: string, rollout: Rollout): void {
    const { slots } = this.#known(namespace, name);
    const missing = Array.from({ length: rollout.replicas }, (_, at) => at).filter((at) => !slots.has(at)).length;
    const { nodes } = this.#options.view();
    if (missing === 0 || [...nodes.values()].some((node) => unfit(node, rollout.needs) === undefined)) return;
    throw noPlace(nodes.values(), rollout, missing);
  }

  async #inTurn<T>(namespace: string, name: string, work: () => Promise<T>): Promise<T> {
    const id = idOf(namespace, name);
    const before = this.#turns.get(id) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#turns.get(id) === settled) this.#turns.delete(id);
      });
    this.#turns.set(id, settled);
    return await turn;
  }
}

function missingRecord(key: string): NexError {
  return new NexError("record_unreadable", `The record "${key}" is missing: what it was to run is not known.`, {
    data: { key },
  });
}

function conflict(name: string): NexError {
  return new NexError(
    "deploy_conflict",
    `Another node of this nexus works on "${name}" at the same moment. Nothing has changed; do it again.`,
    { data: { name } },
  );
}

function notOwner(name: string, owner: string, issuer: string): NexError {
  return new NexError(
    "issuer_not_allowed",
    `The workload "${name}" exists already in this nexus and belongs to another issuer, ${owner}. Choose another name.`,
    { data: { owner, issuer } },
  );
}
