import { type DeployRequest, deployRequestSchema, NexError, WORKLOAD_KINDS, type WorkloadKind } from "@nex/protocol";
import { z } from "zod";

/** Form of all records. A node keeps its hands off those of a newer one. */
const VERSION = 1;

/** Key of the record that says which nexus the bucket belongs to. */
export const NEXUS_KEY = "nexus";

/** The nexus itself. */
export interface NexusRecord {
  /** Random, from when the bucket was made: another one means that its records were lost. */
  readonly id: string;
  /** Public half of the nexus key, to which environments are sealed. */
  readonly xkey: string;
  /** The node that wrote this, and made the key if none was given to it. */
  readonly node: string;
}

/** Where a workload may run. */
export interface Needs {
  readonly kind: WorkloadKind;
  /** Id of the only node. */
  readonly node?: string;
  /** Tags that the node must have, those that it sets itself (`nex.arch`, `nex.os`, `nex.sandbox`) among them. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Memory that it asks for, bytes. */
  readonly memoryBytes?: number;
}

/** What is told of a revision that is kept. */
export interface KeptRevision {
  readonly revision: number;
  readonly sha256: string;
  readonly size: number;
  /** RFC 3339. */
  readonly deployedAt: string;
}

/** A deploy or rollback under way: the holders of its slots bring the revision up, and it counts once all have. */
export interface Rollout {
  /** Random: another attempt may have the same number. */
  readonly id: string;
  readonly revision: number;
  readonly replicas: number;
  readonly needs: Needs;
  /** The node that drives it. */
  readonly node: string;
  /** Of the start of that node: another one means that nobody drives it any more. */
  readonly boot: string;
}

/** A workload of the nexus, whichever nodes run it. */
export interface WorkloadRecord {
  /** Random, from its first deploy: one that was stopped and deployed again counts its revisions anew. */
  readonly birth: string;
  /** Public key of the issuer that may replace and stop it. */
  readonly owner: string;
  /** Number of the newest revision there ever was. */
  readonly last: number;
  /** The revision that should run; 0 while the first one has not come up yet. */
  readonly current: number;
  /** Those it can go back to, newest first, the current one among them. */
  readonly kept: readonly KeptRevision[];
  /** Slots that should be held. */
  readonly replicas: number;
  readonly needs: Needs;
  readonly rollout?: Rollout;
}

/** A deploy as it was admitted. */
export interface RevisionRecord {
  /** The request as it came, signed: what it says is checked again by whoever runs it. */
  readonly body: unknown;
  readonly request: DeployRequest;
  readonly artifact: { readonly sha256: string; readonly size: number };
  /** RFC 3339. */
  readonly deployedAt: string;
}

export interface SlotError {
  readonly code: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** One of the places that a workload runs in, and the node that holds it. */
export interface SlotRecord {
  /** Of the workload it is a slot of: one of an earlier workload of that name is free. */
  readonly birth: string;
  readonly node: string;
  /** The revision that takes messages there; 0 for none yet. */
  readonly revision: number;
  readonly state: "starting" | "running" | "failed" | "ended";
  /** The revision of this rollout is up there, or failed. */
  readonly next?: { readonly rollout: string; readonly error?: SlotError };
  /** Id of the instance that runs in it. */
  readonly instance?: string;
  /** Why it failed. */
  readonly error?: SlotError;
  /** Of the node's instances, since this revision runs there. */
  readonly restarts: number;
  /** The node that gives it away and runs it until it runs here. */
  readonly from?: string;
  /** Nodes on which it could not start. */
  readonly tried?: readonly string[];
}

const number = z.int().positive();
const text = z.string().min(1).max(256);

const versioned = z.looseObject({ v: z.int().positive() });
const nexus = z.object({ id: text, xkey: text, node: text });
const needs = z.object({
  kind: z.enum(WORKLOAD_KINDS),
  node: text.exactOptional(),
  tags: z.record(text, text).exactOptional(),
  memoryBytes: number.exactOptional(),
});
const replicas = z.int().positive().max(1000);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().nonnegative();
const workload = z.object({
  birth: text,
  owner: text,
  last: number,
  current: z.int().nonnegative(),
  kept: z.array(z.object({ revision: number, sha256, size, deployedAt: z.iso.datetime() })).max(100),
  replicas,
  needs,
  rollout: z.object({ id: text, revision: number, replicas, needs, node: text, boot: text }).exactOptional(),
});
const revision = z.object({
  request: z.looseObject({}),
  artifact: z.object({ sha256, size }),
  deployedAt: z.iso.datetime(),
});
const slotError = z.object({
  code: z.string(),
  message: z.string(),
  data: z.record(z.string(), z.unknown()).exactOptional(),
});
const slot = z.object({
  birth: text,
  node: z.string().max(256),
  revision: z.int().nonnegative(),
  state: z.enum(["starting", "running", "failed", "ended"]),
  next: z.object({ rollout: text, error: slotError.exactOptional() }).exactOptional(),
  instance: text.exactOptional(),
  error: slotError.exactOptional(),
  restarts: z.int().nonnegative(),
  from: text.exactOptional(),
  tried: z.array(text).max(1000).exactOptional(),
});

export const keyOf = {
  workload: (namespace: string, name: string): string => `workload.${namespace}.${name}`,
  revision: (namespace: string, name: string, at: number): string => `revision.${namespace}.${name}.${at}`,
  slot: (namespace: string, name: string, at: number): string => `slot.${namespace}.${name}.${at}`,
};

/** A record as it is stored. */
export function writeRecord(record: NexusRecord | WorkloadRecord | SlotRecord): Uint8Array {
  return Buffer.from(JSON.stringify({ v: VERSION, ...record }));
}

export function writeRevision({ body, artifact, deployedAt }: Omit<RevisionRecord, "request">): Uint8Array {
  return Buffer.from(JSON.stringify({ v: VERSION, request: body, artifact, deployedAt }));
}

/** @throws NexError `record_unreadable` */
export function readNexus(key: string, bytes: Uint8Array): NexusRecord {
  return read(key, bytes, nexus);
}

/** @throws NexError `record_unreadable` */
export function readWorkload(key: string, bytes: Uint8Array): WorkloadRecord {
  return read(key, bytes, workload);
}

/** @throws NexError `record_unreadable` */
export function readRevision(key: string, bytes: Uint8Array): RevisionRecord {
  const { request: body, artifact, deployedAt } = read(key, bytes, revision);
  const request = deployRequestSchema.safeParse(body);
  if (!request.success) throw unreadable(key, `its request is damaged: ${z.prettifyError(request.error)}`);
  return { body, request: request.data, artifact, deployedAt };
}

/** @throws NexError `record_unreadable` */
export function readSlot(key: string, bytes: Uint8Array): SlotRecord {
  return read(key, bytes, slot);
}

function read<T>(key: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw unreadable(key, "it is no JSON", cause);
  }
  const form = versioned.safeParse(value);
  if (form.success && form.data.v > VERSION)
    throw unreadable(key, `it has the form ${form.data.v} of a newer release, and this one reads form ${VERSION}`);
  const parsed = schema.safeParse(value);
  if (form.success && parsed.success) return parsed.data;
  throw unreadable(key, `its fields are not as they should be: ${z.prettifyError((form.error ?? parsed.error)!)}`);
}

function unreadable(key: string, why: string, cause?: unknown): NexError {
  return new NexError(
    "record_unreadable",
    `The record "${key.slice(0, 200)}" cannot be read, and is left as it is: ${why}.`,
    { data: { key: key.slice(0, 200) }, cause },
  );
}
