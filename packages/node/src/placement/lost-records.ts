import { setTimeout as sleep } from "node:timers/promises";
import { NexError, toNexError } from "@nex/protocol";
import type { RecordCache } from "../registry/record-cache.ts";
import type { SlotRecord, WorkloadRecord } from "../registry/records.ts";
import type { Revisions } from "../registry/revisions.ts";
import { splitId } from "../registry/workload-id.ts";

/** Between attempts, ms. */
const RETRY_MS = 2_000;

export interface LostRecordsOptions {
  readonly cache: RecordCache;
  readonly revisions: Revisions;
  readonly self: string;
  /** Makes the bucket this nexus's again. @throws NexError `nexus_key_mismatch`, `jetstream_unavailable` */
  readonly enter: () => Promise<void>;
  /** Nothing is concluded from records from now on, until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly stopping: AbortSignal;
  readonly warn: (line: string) => void;
}

interface Held {
  readonly namespace: string;
  readonly name: string;
  readonly record: WorkloadRecord;
  readonly slots: ReadonlyMap<number, SlotRecord>;
}

/**
 * Looks whether the bucket is still the one that was read. Another one, or none, means that its records were lost, as
 * when the server has come back with an empty store; each node then writes again what it runs.
 */
export class LostRecords {
  readonly #options: LostRecordsOptions;
  /** What ran here when the records were lost, until it is written again. */
  #held: readonly Held[] | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: LostRecordsOptions) {
    this.#options = options;
  }

  /** Tries until it has succeeded, or the node stops. */
  async look(): Promise<void> {
    const { stopping: signal, warn } = this.#options;
    while (!signal.aborted) {
      try {
        return await this.lookOnce();
      } catch (error) {
        if (signal.aborted) return;
        warn(`${toNexError(error).message} It is tried again.`);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** @throws NexError `jetstream_unavailable`, `nexus_key_mismatch` */
  async lookOnce(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  /** For whoever must not go on before: true if nothing is lost, and nothing is being written again. */
  async isWhole(): Promise<boolean> {
    return this.#held === undefined && (await this.#options.cache.isSame());
  }

  async settled(): Promise<void> {
    await this.#looking?.catch(() => undefined);
  }

  async #look(): Promise<void> {
    const { cache, pause, resume, enter, warn } = this.#options;
    if (await cache.isSame()) {
      await cache.resync();
      return;
    }
    if (this.#held === undefined) warn("The records of this nexus were lost: what runs here is written again.");
    pause();
    this.#held ??= this.#snapshot();
    await enter();
    cache.forget();
    await cache.resync();
    for (const held of this.#held) await this.#writeAgain(held);
    this.#held = undefined;
    resume();
  }

  #snapshot(): Held[] {
    const { cache, self } = this.#options;
    return cache.ids().flatMap((id) => {
      const known = cache.get(id);
      const record = known?.record;
      if (record === undefined || record instanceof NexError || record.current === 0) return [];
      const slots = new Map<number, SlotRecord>();
      for (const [at, slot] of known!.slots) if (!(slot instanceof NexError) && slot.node === self) slots.set(at, slot);
      const [namespace, name] = splitId(id);
      return slots.size === 0 ? [] : [{ namespace, name, record, slots }];
    });
  }

  /** Unless another node was quicker: what it has written counts. */
  async #writeAgain({ namespace, name, record: { rollout: _, ...record }, slots }: Held): Promise<void> {
    const { cache, revisions } = this.#options;
    await revisions.restore(namespace, name);
    const known = cache.get(`${namespace}/${name}`);
    if (known?.record === undefined) await cache.writeWorkload(namespace, name, record, undefined);
    for (const [at, slot] of slots)
      if (known?.slots.has(at) !== true) await cache.writeSlot(namespace, name, at, slot, undefined);
  }
}
