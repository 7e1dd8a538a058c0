import { z } from "zod";
import { WORKLOAD_KINDS, type WorkloadKind } from "../../workloads/names.ts";
import { count, listOf, MAX_REPLY_ITEMS, messageObject, stringMap } from "./shape.ts";
import { type InstanceSummary, instanceSummarySchema } from "./workloads.ts";

type Tags = Readonly<Record<string, string>>;

/** Reply to PING and AUCTION. */
export interface PingResponse {
  readonly node_id: string;
  readonly nexus?: string;
  readonly version: string;
  /** As `formatUptime` writes it. */
  readonly uptime: string;
  /** `X…` to seal environments to. */
  readonly target_xkey: string;
  readonly tags?: Tags;
  /** Number of instances. */
  readonly running_machines: number;
  /** Ids of all nodes that this one knows to be there: once each has answered, nothing more will come. */
  readonly nodes?: readonly string[];
}

/** Reply to WPING. */
export interface WorkloadPingResponse {
  readonly node_id: string;
  readonly target_xkey: string;
  readonly version: string;
  readonly tags?: Tags;
  readonly uptime: string;
  readonly running_machines: readonly {
    readonly id: string;
    readonly namespace: string;
    readonly name: string;
    /** In 0.2.7's words. */
    readonly type: string;
  }[];
}

/** One instance in an {@link InfoResponse}. */
export interface MachineSummary {
  readonly id: string;
  readonly healthy: boolean;
  readonly uptime: string;
  readonly namespace?: string;
  readonly workload: {
    readonly name: string;
    readonly description?: string;
    /** Time spent running: for functions summed over invocations. */
    readonly runtime: string;
    /** In 0.2.7's words. */
    readonly type: string;
    readonly hash: string;
  };
}

/** A host service that a node offers to functions. */
export interface HostServiceOffer {
  readonly name: string;
  /** Of a workload's bucket at most, where it has one. */
  readonly max_bytes?: number;
}

/** Reply to INFO. From `node_id` on our additions. */
export interface InfoResponse {
  readonly version: string;
  readonly uptime: string;
  /** `X…` to seal environments to. */
  readonly public_xkey: string;
  readonly tags?: Tags;
  /** kB, from the kernel; absent where the system does not tell. */
  readonly memory?: { readonly total: number; readonly free: number; readonly available: number };
  readonly machines: readonly MachineSummary[];
  /** How many more there are than the reply had room for (ours). */
  readonly machines_left_out?: number;
  /** In 0.2.7's words. */
  readonly supported_workload_types: readonly string[];
  readonly node_id?: string;
  readonly nexus?: string;
  /** Name of the sandbox in use, such as `bubblewrap`. */
  readonly sandbox?: string;
  readonly kinds?: readonly WorkloadKind[];
  /** Of one artifact at most. */
  readonly max_artifact_bytes?: number;
  readonly host_services?: readonly HostServiceOffer[];
}

/** Reply to DEPLOY. From `namespace` on our additions. */
export interface RunResponse {
  readonly started: boolean;
  /** Instance id. */
  readonly id: string;
  readonly issuer: string;
  readonly name: string;
  readonly namespace?: string;
  readonly kind?: WorkloadKind;
  readonly revision?: number;
  readonly state?: string;
  readonly instances?: readonly InstanceSummary[];
}

/** Reply to STOP. */
export interface StopResponse {
  readonly stopped: boolean;
  readonly id: string;
  readonly issuer: string;
  readonly name: string;
}

/** Reply to LAMEDUCK. */
export interface LameDuckResponse {
  readonly node_id: string;
  readonly success: boolean;
}

/** Reply to UNDEPLOY (ours). */
export interface UndeployResponse {
  readonly stopped: boolean;
  readonly name: string;
  /** Ids of the instances that ran. */
  readonly instances: readonly string[];
}

/** Reply to ROLLBACK (ours). `revision` is the number of the earlier revision that runs again. */
export interface RollbackResponse {
  readonly name: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  readonly revision: number;
  readonly state: string;
  readonly instances: readonly InstanceSummary[];
}

const text = z.string();
const tags = stringMap(MAX_REPLY_ITEMS).exactOptional();
const kind = z.enum(WORKLOAD_KINDS);
const instances = listOf(instanceSummarySchema, MAX_REPLY_ITEMS);

export const pingResponseSchema: z.ZodType<PingResponse> = messageObject({
  node_id: text,
  nexus: text.exactOptional(),
  version: text,
  uptime: text,
  target_xkey: text,
  tags,
  running_machines: count,
  nodes: listOf(text, MAX_REPLY_ITEMS).exactOptional(),
});

export const workloadPingResponseSchema: z.ZodType<WorkloadPingResponse> = messageObject({
  node_id: text,
  target_xkey: text,
  version: text,
  tags,
  uptime: text,
  running_machines: listOf(messageObject({ id: text, namespace: text, name: text, type: text }), MAX_REPLY_ITEMS),
});

const machine = messageObject({
  id: text,
  healthy: z.boolean(),
  uptime: text,
  namespace: text.exactOptional(),
  workload: messageObject({ name: text, description: text.exactOptional(), runtime: text, type: text, hash: text }),
});

export const infoResponseSchema: z.ZodType<InfoResponse> = messageObject({
  version: text,
  uptime: text,
  public_xkey: text,
  tags,
  memory: messageObject({ total: count, free: count, available: count }).exactOptional(),
  machines: listOf(machine, MAX_REPLY_ITEMS),
  machines_left_out: count.exactOptional(),
  supported_workload_types: listOf(text, MAX_REPLY_ITEMS),
  node_id: text.exactOptional(),
  nexus: text.exactOptional(),
  sandbox: text.exactOptional(),
  kinds: listOf(kind, MAX_REPLY_ITEMS).exactOptional(),
  max_artifact_bytes: count.exactOptional(),
  host_services: listOf(
    messageObject({ name: text, max_bytes: count.exactOptional() }),
    MAX_REPLY_ITEMS,
  ).exactOptional(),
});

export const runResponseSchema: z.ZodType<RunResponse> = messageObject({
  started: z.boolean(),
  id: text,
  issuer: text,
  name: text,
  namespace: text.exactOptional(),
  kind: kind.exactOptional(),
  revision: count.exactOptional(),
  state: text.exactOptional(),
  instances: instances.exactOptional(),
});

export const stopResponseSchema: z.ZodType<StopResponse> = messageObject({
  stopped: z.boolean(),
  id: text,
  issuer: text,
  name: text,
});

export const lameDuckResponseSchema: z.ZodType<LameDuckResponse> = messageObject({
  node_id: text,
  success: z.boolean(),
});

export const undeployResponseSchema: z.ZodType<UndeployResponse> = messageObject({
  stopped: z.boolean(),
  name: text,
  instances: listOf(text, MAX_REPLY_ITEMS),
});

export const rollbackResponseSchema: z.ZodType<RollbackResponse> = messageObject({
  name: text,
  namespace: text,
  kind,
  revision: count,
  state: text,
  instances,
});
