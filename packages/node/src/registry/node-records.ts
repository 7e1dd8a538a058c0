import { NexError } from "@nex/protocol";
import type { DeployRecorder, KeptRevisions } from "../supervisor/deploy-recorder.ts";
import {
  keyOf,
  readRevision,
  readSlot,
  readWorkload,
  type RevisionRecord,
  type SlotRecord,
  writeRevision,
  writeSlot,
  writeWorkload,
} from "./records.ts";
import type { Registry } from "./registry.ts";

/** Writes that did not succeed are tried again after so long, ms. */
const RETRY_MS = 2_000;

/** Workloads whose records are read at one time at the start. */
const READ_AT_ONCE = 64;

/** A workload that this node runs, as the records have it. */
export interface StoredWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly slot: SlotRecord;
  /** By number; an error stands for one that cannot be read. */
  readonly revisions: ReadonlyMap<number, RevisionRecord | NexError>;
}

/** What a deploy writes down. */
export type NewRevision = Omit<RevisionRecord, "deployedAt" | "request"> & { readonly owner: string };

interface Running {
  slot: SlotRecord;
  /** As it is written; for a bucket that has lost it. */
  readonly revisions: Map<number, Uint8Array>;
  owner: string;
}

/**
 * What one node has in the registry of its nexus: a slot for each workload that it runs, and the revisions of these.
 * They are written before a revision takes messages and taken away when a workload is stopped, so that the next start
 * of the node finds what should run. What cannot be written later than that is owed, and tried again.
 */
export class NodeRecords implements AsyncDisposable {
  readonly #registry: Registry;
  readonly #nodeId: string;
  readonly #warn: (line: string) => void;
  readonly #running: Map<string, Running> = new Map();
  /** Keys that are to be written, or taken away where the value is `undefined`. */
  readonly #owed: Map<string, Uint8Array | undefined> = new Map();
  /** The bucket may have lost what was written. */
  #isInDoubt = false;
  #paying: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(registry: Registry, nodeId: string, warn: (line: string) => void) {
    this.#registry = registry;
    this.#nodeId = nodeId;
    this.#warn = warn;
  }

  /** Workloads that this node is to run. Unreadable slots are told of and left alone. @throws NexError `jetstream_unavailable` */
  async load(): Promise<StoredWorkload[]> {
    const slots = await this.#registry.list(`slot.*.*.${this.#nodeId}`);
    const stored: (StoredWorkload | undefined)[] = [];
    for (let at = 0; at < slots.length; at += READ_AT_ONCE) {
      const some = slots.slice(at, at + READ_AT_ONCE);
      stored.push(...(await Promise.all(some.map(async ({ key, bytes }) => await this.#load(key, bytes)))));
    }
    return stored.filter((workload) => workload !== undefined);
  }

  async #load(key: string, bytes: Uint8Array): Promise<StoredWorkload | undefined> {
    const [, namespace = "", name = ""] = key.split(".");
    try {
      const slot = readSlot(key, bytes);
      if (!slot.ended) return await this.#loadRevisions(namespace, name, slot);
      this.#running.set(idOf(namespace, name), { slot, revisions: new Map(), owner: "" });
      await this.remove(namespace, name);
    } catch (error) {
      if (!(error instanceof NexError) || error.code !== "record_unreadable") throw error;
      this.#warn(error.message);
    }
    return undefined;
  }

  async #loadRevisions(namespace: string, name: string, slot: SlotRecord): Promise<StoredWorkload> {
    const revisions = new Map<number, RevisionRecord | NexError>();
    const raw = new Map<number, Uint8Array>();
    const workloadKey = keyOf.workload(namespace, name);
    const numbers = [...new Set([slot.revision, ...slot.kept])];
    const [workload, ...found] = await Promise.all([
      this.#registry.get(workloadKey),
      ...numbers.map(async (at) => await this.#registry.get(keyOf.revision(namespace, name, at))),
    ]);
    for (const [place, at] of numbers.entries()) {
      const record = found[place];
      if (record === undefined && at !== slot.revision) continue;
      if (record !== undefined) raw.set(at, record.bytes);
      revisions.set(at, readOrError(keyOf.revision(namespace, name, at), record?.bytes));
    }
    const owner = workload === undefined ? "" : readWorkload(workloadKey, workload.bytes).owner;
    this.#running.set(idOf(namespace, name), { slot, revisions: raw, owner });
    return { namespace, name, slot, revisions };
  }

  /** For one deploy, or for a rollback where `revision` is `undefined`. */
  recorder(namespace: string, name: string, revision: NewRevision | undefined): DeployRecorder {
    let last = 0;
    let sequence = 0;
    const workloadKey = keyOf.workload(namespace, name);
    return {
      next: async () => {
        // What is owed of an earlier workload of this name must not be taken from this one.
        await this.#pay();
        const found = await this.#registry.get(workloadKey);
        const record = found === undefined ? undefined : readWorkload(workloadKey, found.bytes);
        if (record !== undefined && revision !== undefined && record.owner !== revision.owner)
          throw notOwner(name, record.owner, revision.owner);
        // A bucket that was lost has forgotten the numbers that are in use here.
        last = Math.max(record?.last ?? 0, ...(this.#running.get(idOf(namespace, name))?.revisions.keys() ?? []));
        sequence = found?.sequence ?? 0;
        return last + 1;
      },
      commit: async (kept) => {
        const running = this.#running.get(idOf(namespace, name));
        const raw = new Map(running?.revisions);
        if (revision !== undefined) {
          const bytes = writeRevision({ ...revision, deployedAt: kept.deployedAt });
          const next = writeWorkload({ owner: revision.owner, last: kept.current });
          this.#owed.delete(workloadKey);
          this.#owed.delete(keyOf.revision(namespace, name, kept.current));
          if (!(await this.#registry.replace(workloadKey, next, sequence))) throw conflict(name);
          await this.#registry.put(keyOf.revision(namespace, name, kept.current), bytes);
          raw.set(kept.current, bytes);
        }
        const slot = { revision: kept.current, kept: kept.numbers, restarts: 0, ended: false };
        await this.#putSlot(namespace, name, slot);
        // From here on it counts, and nothing may fail any more.
        const owner = revision?.owner ?? running?.owner ?? "";
        this.#running.set(idOf(namespace, name), { slot, revisions: raw, owner });
        void this.#forgetRevisions(namespace, name, raw, kept);
      },
    };
  }

  /** A workload was stopped: it does not come back. */
  async remove(namespace: string, name: string): Promise<void> {
    const running = this.#running.get(idOf(namespace, name));
    this.#running.delete(idOf(namespace, name));
    this.#owe(keyOf.slot(namespace, name, this.#nodeId), undefined);
    await this.#pay();
    try {
      const others = await this.#registry.list(`slot.${namespace}.${name}.*`);
      if (others.length > 0) return;
      for (const at of running?.slot.kept ?? []) this.#owe(keyOf.revision(namespace, name, at), undefined);
      this.#owe(keyOf.workload(namespace, name), undefined);
    } catch (error) {
      this.#warn((error as Error).message);
    }
    await this.#pay();
  }

  /** Notes how often a workload has been restarted, or that it has ended for good. */
  note(namespace: string, name: string, change: Partial<Pick<SlotRecord, "restarts" | "ended">>): void {
    const running = this.#running.get(idOf(namespace, name));
    if (running === undefined || this.#isClosed) return;
    running.slot = { ...running.slot, ...change };
    this.#owe(keyOf.slot(namespace, name, this.#nodeId), writeSlot(running.slot));
    void this.#pay();
  }

  /** Writes again what a bucket that was lost, or another server in its place, does not have. */
  async repair(): Promise<void> {
    this.#isInDoubt = true;
    await this.#pay();
  }

  /** Owes what is missing. @throws NexError `jetstream_unavailable` */
  async #compare(): Promise<void> {
    const there = new Set((await this.#registry.list(`slot.*.*.${this.#nodeId}`)).map(({ key }) => key));
    this.#isInDoubt = false;
    for (const [id, { slot, revisions, owner }] of this.#running) {
      const [namespace = "", name = ""] = id.split("/");
      const key = keyOf.slot(namespace, name, this.#nodeId);
      if (there.has(key)) continue;
      if (owner !== "" && revisions.size > 0)
        this.#owe(keyOf.workload(namespace, name), writeWorkload({ owner, last: Math.max(...revisions.keys()) }));
      for (const [at, bytes] of revisions) this.#owe(keyOf.revision(namespace, name, at), bytes);
      this.#owe(key, writeSlot(slot));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#pay();
    clearTimeout(this.#retry);
    if (this.#owed.size > 0)
      this.#warn(`${this.#owed.size} records of what this node runs could not be written before it stopped.`);
  }

  async #putSlot(namespace: string, name: string, slot: SlotRecord): Promise<void> {
    const key = keyOf.slot(namespace, name, this.#nodeId);
    // What is owed to it is older.
    this.#owed.delete(key);
    await this.#registry.put(key, writeSlot(slot));
  }

  /** Takes away revisions that this node keeps no more, and no other does. */
  async #forgetRevisions(
    namespace: string,
    name: string,
    raw: Map<number, Uint8Array>,
    { numbers }: KeptRevisions,
  ): Promise<void> {
    const dropped = [...raw.keys()].filter((at) => !numbers.includes(at));
    for (const at of dropped) raw.delete(at);
    if (dropped.length === 0) return;
    try {
      const slots = await this.#registry.list(`slot.${namespace}.${name}.*`);
      const needed = new Set(slots.flatMap(({ key, bytes }) => keptIn(key, bytes)));
      for (const at of dropped) if (!needed.has(at)) this.#owe(keyOf.revision(namespace, name, at), undefined);
    } catch (error) {
      // They take room and do no harm.
      this.#warn((error as Error).message);
    }
    await this.#pay();
  }

  #owe(key: string, bytes: Uint8Array | undefined): void {
    this.#owed.set(key, bytes);
  }

  async #pay(): Promise<void> {
    // One that is under way may have passed what was added last.
    await this.#paying;
    this.#paying ??= this.#payAll().finally(() => (this.#paying = undefined));
    await this.#paying;
  }

  async #payAll(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      if (this.#isInDoubt) await this.#compare();
      for (const [key, bytes] of this.#owed) {
        if (bytes === undefined) await this.#registry.remove(key);
        else await this.#registry.put(key, bytes);
        if (this.#owed.get(key) === bytes) this.#owed.delete(key);
      }
    } catch (error) {
      if (this.#isClosed) return;
      this.#warn(`${(error as Error).message} It is tried again.`);
      this.#retry = setTimeout(() => void this.#pay(), RETRY_MS);
    }
  }
}

function idOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function readOrError(key: string, bytes: Uint8Array | undefined): RevisionRecord | NexError {
  try {
    if (bytes !== undefined) return readRevision(key, bytes);
  } catch (error) {
    return error as NexError;
  }
  return new NexError("record_unreadable", `The record "${key}" is missing: what it was to run is not known.`, {
    data: { key },
  });
}

function keptIn(key: string, bytes: Uint8Array): readonly number[] {
  try {
    return readSlot(key, bytes).kept;
  } catch {
    return [];
  }
}

function notOwner(name: string, owner: string, issuer: string): NexError {
  return new NexError(
    "issuer_not_allowed",
    `The workload "${name}" exists already in this nexus and belongs to another issuer, ${owner}. Choose another name.`,
    { data: { owner, issuer } },
  );
}

function conflict(name: string): NexError {
  return new NexError(
    "deploy_conflict",
    `Another node of this nexus deployed "${name}" at the same moment. Nothing has changed here; deploy it again.`,
    { data: { name } },
  );
}
