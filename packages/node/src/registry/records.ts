import { type DeployRequest, deployRequestSchema, NexError } from "@nex/protocol";
import { z } from "zod";

/** Form of all records. A node keeps its hands off those of a newer one. */
const VERSION = 1;

/** A workload of the nexus, whichever nodes run it. */
export interface WorkloadRecord {
  /** Public key of the issuer that may replace and stop it. */
  readonly owner: string;
  /** Number of the newest revision there ever was. */
  readonly last: number;
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

/** That a node runs a workload. */
export interface SlotRecord {
  /** The revision it runs. */
  readonly revision: number;
  /** Those it can go back to, newest first, the running one among them. */
  readonly kept: readonly number[];
  /** Of its instances, since this revision was deployed. */
  readonly restarts: number;
  /** A service that is not essential has ended by itself, and is not started again. */
  readonly ended: boolean;
}

const number = z.int().positive();

const versioned = z.looseObject({ v: z.int().positive() });
const workload = z.object({ owner: z.string().min(1), last: number });
const revision = z.object({
  request: z.looseObject({}),
  artifact: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }),
  deployed_at: z.iso.datetime(),
});
const slot = z.object({
  revision: number,
  kept: z.array(number).max(100),
  restarts: z.int().nonnegative(),
  ended: z.boolean(),
});

export const keyOf = {
  workload: (namespace: string, name: string): string => `workload.${namespace}.${name}`,
  revision: (namespace: string, name: string, at: number): string => `revision.${namespace}.${name}.${at}`,
  slot: (namespace: string, name: string, nodeId: string): string => `slot.${namespace}.${name}.${nodeId}`,
};

export function writeWorkload({ owner, last }: WorkloadRecord): Uint8Array {
  return encode({ owner, last });
}

export function writeRevision({ body, artifact, deployedAt }: Omit<RevisionRecord, "request">): Uint8Array {
  return encode({ request: body, artifact, deployed_at: deployedAt });
}

export function writeSlot({ revision: running, kept, restarts, ended }: SlotRecord): Uint8Array {
  return encode({ revision: running, kept, restarts, ended });
}

/** @throws NexError `record_unreadable` */
export function readWorkload(key: string, bytes: Uint8Array): WorkloadRecord {
  return read(key, bytes, workload);
}

/** @throws NexError `record_unreadable` */
export function readRevision(key: string, bytes: Uint8Array): RevisionRecord {
  const { request: body, artifact, deployed_at: deployedAt } = read(key, bytes, revision);
  const request = deployRequestSchema.safeParse(body);
  if (!request.success) throw unreadable(key, `its request is damaged: ${z.prettifyError(request.error)}`);
  return { body, request: request.data, artifact, deployedAt };
}

/** @throws NexError `record_unreadable` */
export function readSlot(key: string, bytes: Uint8Array): SlotRecord {
  return read(key, bytes, slot);
}

function encode(record: object): Uint8Array {
  return Buffer.from(JSON.stringify({ v: VERSION, ...record }));
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
