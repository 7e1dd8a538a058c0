import { NexError } from "@nex/protocol";
import type { Bucket } from "../jetstream/bucket.ts";
import { keyOf, readRevision, type RevisionRecord } from "./records.ts";
import { idOf } from "./workload-id.ts";

/** The revisions that this node runs or has run, as their records are; for reading, and for a bucket that has lost them. */
export class Revisions {
  readonly #bucket: Bucket;
  /** By workload and number. */
  readonly #raw: Map<string, Map<number, Uint8Array>> = new Map();

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** @throws NexError `record_unreadable`, `jetstream_unavailable` */
  async read(namespace: string, name: string, number: number): Promise<RevisionRecord> {
    const id = idOf(namespace, name);
    const key = keyOf.revision(namespace, name, number);
    const found = await this.#bucket.get(key);
    if (found?.bytes === undefined) {
      throw new NexError("record_unreadable", `The record "${key}" is missing: what it was to run is not known.`, {
        data: { key },
      });
    }
    const record = readRevision(key, found.bytes);
    const known = this.#raw.get(id) ?? new Map<number, Uint8Array>();
    this.#raw.set(id, known.set(number, found.bytes));
    return record;
  }

  /** Highest number that is known here; 0 for none. */
  last(id: string): number {
    return Math.max(0, ...(this.#raw.get(id)?.keys() ?? []));
  }

  /** Writes again what the bucket does not have. @throws NexError `jetstream_unavailable` */
  async restore(namespace: string, name: string): Promise<void> {
    for (const [number, bytes] of this.#raw.get(idOf(namespace, name)) ?? []) {
      const key = keyOf.revision(namespace, name, number);
      if ((await this.#bucket.get(key))?.bytes === undefined) await this.#bucket.put(key, bytes);
    }
  }

  /** Keeps only these numbers of a workload; none at all forgets it. */
  keep(id: string, numbers: readonly number[]): void {
    const known = this.#raw.get(id);
    for (const number of known?.keys() ?? []) if (!numbers.includes(number)) known!.delete(number);
    if (known?.size === 0) this.#raw.delete(id);
  }
}
