import { z } from "zod";
import { WORKLOAD_KINDS, type WorkloadKind } from "../../workloads/names.ts";
import { count, listOf, MAX_REPLY_ITEMS, messageObject, stringMap, timestamp } from "./shape.ts";

/** States this release reports. Readers take any text, so that a newer node can say more. */
export const WORKLOAD_STATES = [
  "starting",
  "running",
  "restarting",
  "crash_loop",
  "ended",
  "stopping",
  "stopped",
  "failed",
  "waiting",
] as const;
export type WorkloadState = (typeof WORKLOAD_STATES)[number];

/** One running copy of a workload. */
export interface InstanceSummary {
  readonly id: string;
  readonly node_id: string;
  readonly state: string;
  readonly uptime_ms: number;
}

/** A workload as `nex ls --json` prints it. */
export interface WorkloadSummary {
  readonly name: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  readonly revision: number;
  readonly state: string;
  readonly triggers: readonly string[];
  readonly restarts: number;
  readonly instances: readonly InstanceSummary[];
  readonly invocations: { readonly ok: number; readonly failed: number; readonly in_flight: number };
  /** Instances that it should have on all nodes together; absent in answers of older nodes. */
  readonly replicas?: number;
  /** What the nexus wants of it, `running` or `stopped`; absent in answers of older nodes. */
  readonly wanted?: string;
  readonly last_error?: { readonly code: string; readonly message: string; readonly time?: string };
}

/** One deploy of a workload. */
export interface WorkloadRevision {
  readonly revision: number;
  readonly sha256: string;
  /** Bytes of the artifact. */
  readonly size: number;
  readonly issuer: string;
  /** RFC 3339. */
  readonly deployed_at: string;
  readonly state: string;
}

/** What a deploy may take away of host services, as told; a newer node may have services that its reader does not know. */
export interface HostServiceLimitsSummary {
  readonly disabled?: readonly string[];
  readonly kv_max_bytes?: number;
  readonly object_store_max_bytes?: number;
  readonly http_allow?: readonly string[];
}

export interface WorkloadDetail extends WorkloadSummary {
  /** Newest first. */
  readonly revisions: readonly WorkloadRevision[];
  readonly deadline_ms: number;
  readonly max_in_flight: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string;
  /** Where a service may connect to, `host:port` each. */
  readonly connect?: readonly string[];
  /** What its deploy took away from the node's host services. */
  readonly host_service_limits?: HostServiceLimitsSummary;
}

/** A node's reply to WORKLOADS. */
export interface WorkloadsResponse {
  readonly node_id: string;
  /** In the order of their names. */
  readonly workloads: readonly WorkloadDetail[];
  /** There are more after this name. */
  readonly next?: string;
  /** Ids of all nodes that are known to be there: once each has answered, nothing more will come. */
  readonly nodes?: readonly string[];
  /** The nexus whose nodes act as one: what is changed on one of them is changed on all. */
  readonly fleet?: string;
}

const text = z.string();

/** Shared with the replies to DEPLOY and ROLLBACK. */
export const instanceSummarySchema: z.ZodType<InstanceSummary> = messageObject({
  id: text,
  node_id: text,
  state: text,
  uptime_ms: count,
});

const summary = {
  name: text,
  namespace: text,
  kind: z.enum(WORKLOAD_KINDS),
  revision: count,
  state: text,
  triggers: listOf(text, MAX_REPLY_ITEMS),
  restarts: count,
  instances: listOf(instanceSummarySchema, MAX_REPLY_ITEMS),
  invocations: messageObject({ ok: count, failed: count, in_flight: count }),
  replicas: count.exactOptional(),
  wanted: text.exactOptional(),
  last_error: messageObject({ code: text, message: text, time: timestamp.exactOptional() }).exactOptional(),
};

export const workloadSummarySchema: z.ZodType<WorkloadSummary> = messageObject(summary);

const revision = messageObject({
  revision: count,
  sha256: text,
  size: count,
  issuer: text,
  deployed_at: timestamp,
  state: text,
});

export const workloadDetailSchema: z.ZodType<WorkloadDetail> = messageObject({
  ...summary,
  revisions: listOf(revision, MAX_REPLY_ITEMS),
  deadline_ms: count,
  max_in_flight: count,
  tags: stringMap(MAX_REPLY_ITEMS),
  description: text,
  connect: listOf(text, MAX_REPLY_ITEMS).exactOptional(),
  host_service_limits: messageObject({
    disabled: listOf(text, MAX_REPLY_ITEMS).exactOptional(),
    kv_max_bytes: count.exactOptional(),
    object_store_max_bytes: count.exactOptional(),
    http_allow: listOf(text, MAX_REPLY_ITEMS).exactOptional(),
  }).exactOptional(),
});

export const workloadsResponseSchema: z.ZodType<WorkloadsResponse> = messageObject({
  node_id: text,
  workloads: listOf(workloadDetailSchema, MAX_REPLY_ITEMS),
  next: text.exactOptional(),
  nodes: listOf(text, MAX_REPLY_ITEMS).exactOptional(),
  fleet: text.exactOptional(),
});
