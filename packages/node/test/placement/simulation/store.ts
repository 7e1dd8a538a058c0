import type { SlotRecord, WorkloadRecord } from "../../../src/registry/records.ts";

export interface Stored<T> {
  readonly value: T | undefined;
  readonly sequence: number;
}

/** The key-value bucket: writes that expect another sequence than there is are lost. */
export class Store {
  readonly workloads: Map<string, Stored<WorkloadRecord>> = new Map();
  readonly slots: Map<string, Map<number, Stored<SlotRecord>>> = new Map();
  writes = 0;
  #sequence = 0;
  onWrite: (id: string) => void = () => undefined;

  workload(id: string): Stored<WorkloadRecord> {
    return this.workloads.get(id) ?? NOTHING;
  }

  slotsOf(id: string): Map<number, Stored<SlotRecord>> {
    return new Map(this.slots.get(id));
  }

  writeWorkload(id: string, value: WorkloadRecord | undefined, expected: number): boolean {
    if (this.workload(id).sequence !== expected) return false;
    if (value === undefined) this.workloads.delete(id);
    else this.workloads.set(id, { value, sequence: ++this.#sequence });
    return this.#written(id);
  }

  writeSlot(id: string, at: number, value: SlotRecord | undefined, expected: number): boolean {
    const slots = this.slots.get(id) ?? new Map<number, Stored<SlotRecord>>();
    if ((slots.get(at)?.sequence ?? 0) !== expected) return false;
    if (value === undefined) slots.delete(at);
    else slots.set(at, { value, sequence: ++this.#sequence });
    this.slots.set(id, slots);
    return this.#written(id);
  }

  #written(id: string): true {
    this.writes++;
    this.onWrite(id);
    return true;
  }
}

const NOTHING: Stored<never> = { value: undefined, sequence: 0 };
