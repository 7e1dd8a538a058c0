import { setTimeout as sleep } from "node:timers/promises";
import { NexError, toNexError } from "@nex/protocol";
import type { RecordCache } from "../registry/record-cache.ts";
import { keyOf, type SlotRecord, type WorkloadRecord } from "../registry/records.ts";
import { idOf, splitId } from "../registry/workload-id.ts";

/** Records that could not be taken away are tried again after so long, ms. */
const RETRY_MS = 2_000;

/** Between looks at what ends by and by, ms. */
const LOOK_MS = 20;

/** The answer to a stop waits so long until nothing of the workload runs, ms. */
const STOP_MS = 20_000;

/** The same where its records cannot be taken away, ms. */
const FORGET_MS = 2_000;

export interface StopsOptions {
  readonly cache: RecordCache;
  readonly record: (id: string) => WorkloadRecord | undefined;
  readonly slots: (id: string) => ReadonlyMap<number, SlotRecord>;
  /** True if nothing of it runs on this node. */
  readonly isDownHere: (id: string) => boolean;
  /** Whether a node is there. */
  readonly isThere: (node: string) => boolean;
  /** Has it looked at what should run. */
  readonly look: (id: string) => void;
  readonly stopping: AbortSignal;
  readonly warn: (line: string) => void;
}

/** Ends workloads by taking their records away. What cannot be taken away now ends here all the same, and is owed. */
export class Stops {
  readonly #options: StopsOptions;
  readonly #owed: Set<string> = new Set();

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  /** True while records are left that count no more. */
  isOwed(id: string): boolean {
    return this.#owed.has(id);
  }

  /** Ends a workload on all nodes; resolves when it has, as far as its nodes are there. */
  async stop(namespace: string, name: string): Promise<void> {
    const { isDownHere, look, warn } = this.#options;
    const id = idOf(namespace, name);
    let isRemoved = false;
    const removal = this.removeRecords(id).then(
      () => (isRemoved = true),
      (error: unknown) => {
        warn(`${toNexError(error).message} It is tried again.`);
        void this.#removeLater(id);
      },
    );
    const waited = new AbortController();
    await Promise.race([removal, sleep(FORGET_MS, undefined, { signal: waited.signal }).catch(() => undefined)]);
    waited.abort();
    if (!isRemoved) this.#owed.add(id);
    look(id);
    const begun = performance.now();
    while (performance.now() - begun < STOP_MS) {
      const isDone = isRemoved ? this.#isDown(id) : isDownHere(id);
      if (isDone) return;
      await sleep(LOOK_MS);
    }
  }

  /** Has so many replicas fewer, and ends those in these slots. */
  async shrink(namespace: string, name: string, ending: readonly number[]): Promise<void> {
    const { cache, record: recordOf, slots: slotsOf } = this.#options;
    const id = idOf(namespace, name);
    const nodes = new Set(ending.map((at) => slotsOf(id).get(at)?.node));
    for (;;) {
      const record = recordOf(id);
      if (record === undefined) return;
      const replicas = record.replicas - ending.length;
      if (replicas <= 0) return await this.stop(namespace, name);
      const slots = slotsOf(id);
      // Slots are numbered without gaps, so one of those at the end takes the place of one that goes.
      const last = [...slots.keys()].filter((at) => at >= replicas && !ending.includes(at));
      for (const at of ending.filter((each) => each < replicas)) {
        const moved = slots.get(last.shift() ?? -1);
        if (moved !== undefined) await cache.writeSlot(namespace, name, at, moved, slots.get(at));
      }
      if (await cache.writeWorkload(namespace, name, { ...record, replicas }, record)) break;
    }
    const begun = performance.now();
    const held = (): number =>
      [...slotsOf(id)].filter(([at, { node }]) => ending.includes(at) && nodes.has(node)).length;
    while (held() > 0 && performance.now() - begun < STOP_MS) await sleep(LOOK_MS);
  }

  /** Takes away what is left of an earlier workload of this name. @throws NexError `jetstream_unavailable` */
  async pay(namespace: string, name: string): Promise<void> {
    const id = idOf(namespace, name);
    if (this.#owed.has(id)) await this.removeRecords(id);
  }

  /** A last attempt, when the node stops. */
  async payAll(): Promise<void> {
    for (const id of this.#owed)
      await this.removeRecords(id).catch((error: unknown) =>
        this.#options.warn(`The records of ${id}, which was stopped, are left: ${toNexError(error).message}`),
      );
  }

  /** @throws NexError `jetstream_unavailable` */
  async removeRecords(id: string): Promise<void> {
    const { cache } = this.#options;
    const [namespace, name] = splitId(id);
    for (;;) {
      const record = cache.get(id)?.record;
      if (record === undefined) break;
      if (!(await cache.remove(keyOf.workload(namespace, name), record))) continue;
      await this.discardRevisions(id, record instanceof NexError ? undefined : record);
      break;
    }
    this.#owed.delete(id);
  }

  /** Only those of this very workload: there may be a new one of its name already. */
  async discardRevisions(id: string, record: WorkloadRecord | undefined): Promise<void> {
    const [namespace, name] = splitId(id);
    const { kept = [], rollout } = record ?? {};
    const numbers = new Set([
      ...kept.map(({ revision }) => revision),
      ...(rollout === undefined ? [] : [rollout.revision]),
    ]);
    for (const number of numbers) await this.#options.cache.bucket.discard(keyOf.revision(namespace, name, number));
  }

  async #removeLater(id: string): Promise<void> {
    this.#owed.add(id);
    const { stopping: signal } = this.#options;
    while (this.#owed.has(id) && !signal.aborted) {
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      if (this.#owed.has(id) && !signal.aborted) await this.removeRecords(id).catch(() => undefined);
    }
  }

  #isDown(id: string): boolean {
    const { isDownHere, isThere, slots } = this.#options;
    return isDownHere(id) && [...slots(id).values()].every(({ node }) => !isThere(node));
  }
}
