import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { NexError, toNexError } from "@nex/protocol";
import type { Bucket, StoredValue } from "../jetstream/bucket.ts";
import { fleetSubjects } from "../fleet-subjects.ts";
import {
  keyOf,
  NEXUS_KEY,
  readNexus,
  readSlot,
  readWorkload,
  type SlotRecord,
  type WorkloadRecord,
  writeRecord,
} from "./records.ts";
import { SequenceGaps } from "./sequence-gaps.ts";
import { idOf } from "./workload-id.ts";

/** A write of which nobody told is looked for after so long, ms. */
const GAP_MS = 1_000;

/** Between looks whether all writes were heard of, ms. */
const CHECK_MS = 20_000;

/** Keys read at one time. */
const READ_AT_ONCE = 64;

/** Workload and slots, `undefined` or an error where they cannot be read. */
export interface KnownWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly record: WorkloadRecord | NexError | undefined;
  readonly slots: ReadonlyMap<number, SlotRecord | NexError>;
}

interface Known<T> {
  readonly value: T | NexError | undefined;
  /** Of the last write of its key that was seen, a removal too. */
  readonly sequence: number;
}

interface Entry {
  readonly namespace: string;
  readonly name: string;
  workload: Known<WorkloadRecord>;
  readonly slots: Map<number, Known<SlotRecord>>;
}

/** A value that was read, or that nothing is there; `sequence` is then what was known when it was looked for. */
interface Found extends StoredValue {
  readonly isAbsent?: true;
}

const NOTHING: Known<never> = { value: undefined, sequence: 0 };

/**
 * The workloads and slots of the whole nexus as the bucket has them. Whoever writes a record tells so on a subject, and
 * the others read it then; writes that nobody told of show as gaps in the sequence of the bucket. So there is no
 * consumer that a reconnect could lose or leave behind.
 */
export class RecordCache implements AsyncDisposable {
  readonly bucket: Bucket;
  readonly #connection: NatsConnection;
  readonly #subject: string;
  readonly #warn: (line: string) => void;
  readonly #entries: Map<string, Entry> = new Map();
  #gaps: SequenceGaps = new SequenceGaps();
  readonly #stale: Set<string> = new Set();
  /** Called with the ids of workloads that have changed. */
  onChange: (ids: ReadonlySet<string>) => void = () => undefined;
  /** Id of the nexus that was read; nothing is concluded from a bucket that has another one, or none. */
  nexusId: string | undefined;
  /** Called when the bucket seems to be another one than was read. */
  onLost: () => void = () => undefined;
  #subscription: Subscription | undefined;
  #reading: Promise<void> | undefined;
  #gapTimer: NodeJS.Timeout | undefined;
  #checkTimer: NodeJS.Timeout | undefined;
  /** Something could not be read when it was told of. */
  #isInDoubt = false;
  #isClosed = false;

  constructor(connection: NatsConnection, bucket: Bucket, nexus: string, warn: (line: string) => void) {
    this.#connection = connection;
    this.bucket = bucket;
    this.#subject = fleetSubjects.records(nexus);
    this.#warn = warn;
  }

  /** Reads everything, and follows it from then on. @throws NexError `jetstream_unavailable` */
  async open(): Promise<void> {
    await this.bucket.open();
    this.#subscription = this.#connection.subscribe(this.#subject, {
      callback: (error, message) => {
        if (error === null) this.#hear(message.string());
      },
    });
    await this.resync();
    this.#checkTimer = setInterval(() => void this.#check(), CHECK_MS);
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }

  get(id: string): KnownWorkload | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const slots = new Map<number, SlotRecord | NexError>();
    for (const [at, { value }] of entry.slots) if (value !== undefined) slots.set(at, value);
    if (entry.workload.value === undefined && slots.size === 0) return undefined;
    return { namespace: entry.namespace, name: entry.name, record: entry.workload.value, slots };
  }

  /**
   * Writes a record that was made from another one, unless that has changed since: in the bucket, or here already.
   * @param from what `get` had; `undefined` for one that is new
   * @returns false if it has changed; what there is now is known then
   * @throws NexError `jetstream_unavailable`
   */
  async writeWorkload(
    namespace: string,
    name: string,
    record: WorkloadRecord,
    from: WorkloadRecord | undefined,
  ): Promise<boolean> {
    return await this.#write(keyOf.workload(namespace, name), record, from);
  }

  /** The same for a slot. @throws NexError `jetstream_unavailable` */
  async writeSlot(
    namespace: string,
    name: string,
    at: number,
    record: SlotRecord,
    from: SlotRecord | undefined,
  ): Promise<boolean> {
    return await this.#write(keyOf.slot(namespace, name, at), record, from);
  }

  async #write(key: string, record: WorkloadRecord | SlotRecord, from: object | undefined): Promise<boolean> {
    const known = this.#knownOf(key);
    if (known.value !== from) return false;
    const bytes = writeRecord(record);
    const sequence = await this.bucket.replace(key, bytes, known.sequence);
    if (sequence === undefined) {
      await this.refresh(key);
      return false;
    }
    this.#apply([{ key, bytes, sequence }]);
    this.#tell(key, sequence);
    return true;
  }

  /** Takes a workload or slot away, likewise. @throws NexError `jetstream_unavailable` */
  async remove(key: string, from: WorkloadRecord | SlotRecord | NexError | undefined): Promise<boolean> {
    const known = this.#knownOf(key);
    if (known.value !== from) return false;
    const sequence = await this.bucket.remove(key, known.sequence);
    if (sequence === undefined) {
      await this.refresh(key);
      return false;
    }
    this.#apply([{ key, bytes: undefined, sequence: this.#sequenceOf(key), isAbsent: true }]);
    this.#tell(key, sequence);
    return true;
  }

  /** Writes a revision, once. False if there is one already. @throws NexError `jetstream_unavailable` */
  async createRevision(key: string, bytes: Uint8Array): Promise<boolean> {
    const sequence = await this.bucket.replace(key, bytes, 0);
    if (sequence !== undefined) this.#tell(key, sequence);
    return sequence !== undefined;
  }

  /** Reads one key again. @throws NexError `jetstream_unavailable` */
  async refresh(key: string): Promise<void> {
    this.#apply([await this.#find(key)]);
  }

  async #find(key: string): Promise<Found> {
    const sequence = this.#sequenceOf(key);
    const found = await this.bucket.get(key);
    if (found?.bytes === undefined && key.startsWith("workload.")) await this.#checkSame();
    return found ?? { key, bytes: undefined, sequence, isAbsent: true };
  }

  /** False for a bucket that was made anew since it was read. @throws NexError `jetstream_unavailable` */
  async isSame(): Promise<boolean> {
    if (this.nexusId === undefined) return true;
    const found = await this.bucket.get(NEXUS_KEY);
    return found?.bytes !== undefined && readNexus(NEXUS_KEY, found.bytes).id === this.nexusId;
  }

  /** That a record is missing means nothing in a bucket that has lost all. */
  async #checkSame(): Promise<void> {
    if (await this.isSame()) return;
    this.onLost();
    throw new NexError("jetstream_unavailable", `The bucket ${this.bucket.name} has lost its records.`);
  }

  /** Reads everything again. @throws NexError `jetstream_unavailable` */
  async resync(): Promise<void> {
    await this.#checkSame();
    const upTo = await this.bucket.lastSequence();
    const found = [...(await this.bucket.list("workload.>")), ...(await this.bucket.list("slot.>"))];
    this.#gaps.reset(upTo);
    this.#isInDoubt = false;
    const there = new Set(found.map(({ key }) => key));
    const gone: Found[] = [];
    for (const { namespace, name, workload, slots } of this.#entries.values()) {
      for (const [key, known] of [
        [keyOf.workload(namespace, name), workload] as const,
        ...[...slots].map(([at, slot]) => [keyOf.slot(namespace, name, at), slot] as const),
      ]) {
        // One that was written since the list was made is newer than it.
        if (known.value !== undefined && !there.has(key) && known.sequence <= upTo)
          gone.push({ key, bytes: undefined, sequence: known.sequence, isAbsent: true });
      }
    }
    this.#apply([...found, ...gone]);
  }

  /** The bucket is another one: what was read from the last counts no more. */
  forget(): void {
    const ids = new Set(this.#entries.keys());
    this.#entries.clear();
    this.#gaps = new SequenceGaps();
    this.onChange(ids);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#gapTimer);
    clearInterval(this.#checkTimer);
    this.#subscription?.unsubscribe();
    await this.#reading;
  }

  #tell(key: string, sequence: number): void {
    this.#gaps.add(sequence);
    if (!this.#connection.isClosed()) this.#connection.publish(this.#subject, `${sequence} ${key}`);
  }

  /** What anybody may have sent: it only makes this node look. */
  #hear(text: string): void {
    const [, digits = "", key = ""] =
      /^(\d{1,15}) ((?:workload|slot|revision)\.[\w-]+\.[\w-]+(?:\.\d+)?)$/.exec(text) ?? [];
    if (key === "") return;
    const sequence = Number(digits);
    const known = this.#sequenceOf(key);
    // A bucket that was made anew counts from 1.
    if (sequence < known) this.#doubt();
    if (sequence <= known) return;
    this.#gaps.add(sequence);
    if (!this.#gaps.isWhole) this.#lookSoon();
    if (key.startsWith("revision.")) return;
    this.#stale.add(key);
    this.#reading ??= this.#readStale().finally(() => (this.#reading = undefined));
  }

  async #readStale(): Promise<void> {
    while (this.#stale.size > 0 && !this.#isClosed) {
      const keys = [...this.#stale].slice(0, READ_AT_ONCE);
      for (const key of keys) this.#stale.delete(key);
      try {
        this.#apply(await Promise.all(keys.map(async (key) => await this.#find(key))));
      } catch (error) {
        // They are read again once the server is back, or at the next look for gaps.
        this.#isInDoubt = true;
        if (!this.#isClosed) this.#warn(toNexError(error).message);
        return;
      }
    }
  }

  #doubt(): void {
    this.#isInDoubt = true;
    this.#lookSoon();
  }

  #lookSoon(): void {
    this.#gapTimer ??= setTimeout(() => void this.#lookForGaps(), GAP_MS);
  }

  async #lookForGaps(): Promise<void> {
    this.#gapTimer = undefined;
    if ((this.#gaps.isWhole && !this.#isInDoubt) || this.#isClosed) return;
    await this.#resyncOrWarn();
  }

  async #check(): Promise<void> {
    try {
      const last = await this.bucket.lastSequence();
      if (last < this.#gaps.highest) this.onLost();
      else if (last > this.#gaps.highest || this.#isInDoubt) await this.resync();
    } catch (error) {
      if (!this.#isClosed) this.#warn(toNexError(error).message);
    }
  }

  async #resyncOrWarn(): Promise<void> {
    try {
      await this.resync();
    } catch (error) {
      if (!this.#isClosed) this.#warn(toNexError(error).message);
    }
  }

  #sequenceOf(key: string): number {
    return this.#knownOf(key).sequence;
  }

  #knownOf(key: string): Known<object> {
    const [kind, namespace = "", name = "", at] = key.split(".");
    const entry = this.#entries.get(idOf(namespace, name));
    if (kind === "workload") return entry?.workload ?? NOTHING;
    return (kind === "slot" ? entry?.slots.get(Number(at)) : undefined) ?? NOTHING;
  }

  #apply(values: readonly Found[]): void {
    const changed = new Set<string>();
    for (const { key, bytes, sequence, isAbsent } of values) {
      const [kind, namespace = "", name = "", at] = key.split(".");
      const known = this.#sequenceOf(key);
      if (isAbsent === true ? sequence !== known : sequence <= known) continue;
      const id = idOf(namespace, name);
      const entry = this.#entries.get(id) ?? { namespace, name, workload: NOTHING, slots: new Map() };
      this.#entries.set(id, entry);
      if (kind === "workload")
        entry.workload = isAbsent === true ? NOTHING : { value: this.#read(key, bytes, readWorkload), sequence };
      else if (isAbsent === true) entry.slots.delete(Number(at));
      else entry.slots.set(Number(at), { value: this.#read(key, bytes, readSlot), sequence });
      changed.add(id);
    }
    if (changed.size > 0) this.onChange(changed);
    for (const id of changed) {
      const entry = this.#entries.get(id)!;
      if (entry.workload === NOTHING && entry.slots.size === 0) this.#entries.delete(id);
    }
  }

  #read<T extends object>(
    key: string,
    bytes: Uint8Array | undefined,
    read: (key: string, bytes: Uint8Array) => T,
  ): T | NexError | undefined {
    if (bytes === undefined) return undefined;
    try {
      return read(key, bytes);
    } catch (error) {
      const unreadable = toNexError(error);
      this.#warn(unreadable.message);
      return unreadable;
    }
  }
}
