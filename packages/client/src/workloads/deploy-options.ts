import {
  ARTIFACT_BUCKET,
  checkName,
  checkTrigger,
  deployRequestSchema,
  type DeployRequest,
  encodeMessage,
  type HostServiceLimits,
  type HostServiceName,
  legacyKind,
  objectLocation,
  parseDestination,
  parseMessage,
  type PlacementRequest,
  type WorkloadKind,
} from "@nex/protocol";
import type { Artifact } from "../artifacts/artifact-source.ts";

/** What a deploy does at the moment, in this order; `upload` is done at once for an artifact that is there already. */
export type DeployStage = "hash" | "place" | "upload" | "deploy";

export interface DeployOptions {
  readonly name: string;
  readonly kind: WorkloadKind;
  readonly artifact: Artifact;
  /** Subjects whose messages run the function. Services have none. */
  readonly triggers?: readonly string[] | undefined;
  /** Variables, which only nodes of the nexus can read on their way. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly argv?: readonly string[] | undefined;
  readonly description?: string | undefined;
  /** Restart a service whenever it ends. Default false. */
  readonly essential?: boolean | undefined;
  /** Instances. Default 1. */
  readonly replicas?: number | undefined;
  /** Of the workload itself, for whoever lists it. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Of one invocation. Default: the node's. */
  readonly deadlineMs?: number | undefined;
  /** Invocations that run at one time in an instance. Default: the node's. */
  readonly maxInFlight?: number | undefined;
  /** Invocations that may wait beyond those. Default: the node's. */
  readonly maxWaiting?: number | undefined;
  /** Of the workload itself. Default: the node's. */
  readonly memoryBytes?: number | undefined;
  /** Processors, such as 0.5. Default: the node's. */
  readonly cpus?: number | undefined;
  /** Processes and threads. Default: the node's. */
  readonly processes?: number | undefined;
  /** What a function is to get less of than its node gives. */
  readonly hostServices?: HostServiceOptions | undefined;
  /** Destinations `host:port` that are to be there inside a service's sandbox, under the same names. */
  readonly connect?: readonly string[] | undefined;
  /** Admit the trigger `>`, which is every message of the account. Default false. */
  readonly allowAllSubjects?: boolean | undefined;
  /** Id of the only node to run on. Default: where the workload runs, else wherever there is least to do. */
  readonly node?: string | undefined;
  /** Tags that nodes must have to run it, those that they set themselves (`nex.arch`, `nex.sandbox`) among them. */
  readonly nodeTags?: Readonly<Record<string, string>> | undefined;
  /** `done` of `total` is in bytes for `hash` and `upload`, 0 or 1 of 1 for the others. */
  readonly onProgress?: ((stage: DeployStage, done: number, total: number) => void) | undefined;
  /** Gives up. Once the node has been asked to deploy, it may go on all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface HostServiceOptions {
  /** Services it does not get. */
  readonly without?: readonly HostServiceName[] | undefined;
  /** Of its key-value bucket, when that is made. */
  readonly kvMaxBytes?: number | undefined;
  /** Of its object store, when that is made. */
  readonly objectStoreMaxBytes?: number | undefined;
  /** Hosts that HTTP reaches, and no other: `host`, `host:port`, `*.domain`, an address, a block. */
  readonly httpAllow?: readonly string[] | undefined;
}

/** What only the deploy itself finds out. */
export interface DeployFacts {
  readonly sha256: string;
  readonly size: number;
  readonly node: string;
  /** Sealed. */
  readonly environment: string;
  readonly senderPublicKey: string;
}

/** Present or absent in what the user gave; encoding leaves the absent out. */
type Draft = { readonly [K in keyof DeployRequest]: DeployRequest[K] | undefined };

/** What can be said of a deploy before anything is read or asked. @throws NexError `invalid_name`, `invalid_subject`, `subject_denied`, `invalid_request` */
export function checkDeployOptions({
  name,
  triggers = [],
  allowAllSubjects = false,
  connect = [],
}: DeployOptions): void {
  checkName("workload", name);
  for (const subject of triggers) checkTrigger(subject, { allowEverything: allowAllSubjects });
  for (const destination of connect) parseDestination(destination);
}

/** The request but for its claims, which are signed last. @throws NexError `invalid_request`, `too_large` */
export function deployRequest(options: DeployOptions, facts: DeployFacts): DeployRequest {
  const draft: Draft = {
    argv: options.argv ?? [],
    description: options.description ?? "",
    type: legacyKind(options.kind),
    location: objectLocation(ARTIFACT_BUCKET, facts.sha256),
    essential: options.essential ?? false,
    workload_jwt: "",
    environment: facts.environment,
    jsdomain: "",
    sender_public_key: facts.senderPublicKey,
    target_node: facts.node,
    trigger_subjects: options.triggers ?? [],
    kind: options.kind,
    max_in_flight: options.maxInFlight,
    max_waiting: options.maxWaiting,
    deadline_ms: options.deadlineMs,
    memory_bytes: options.memoryBytes,
    cpus: options.cpus,
    max_processes: options.processes,
    replicas: options.replicas,
    tags: options.tags,
    // An empty list is none: functions may not have one at all.
    connect: options.connect?.length === 0 ? undefined : options.connect,
    host_service_limits: hostServiceLimits(options.hostServices),
    allow_all_subjects: options.allowAllSubjects,
    artifact: { sha256: facts.sha256, size: facts.size },
    placement: placementRequest(options),
  };
  // By the schema that the node reads it with, so that a mistake shows before a long upload.
  return parseMessage(deployRequestSchema, encodeMessage(draft));
}

function placementRequest({ node, nodeTags = {} }: DeployOptions): PlacementRequest | undefined {
  const wanted = {
    ...(node === undefined ? {} : { node }),
    ...(Object.keys(nodeTags).length === 0 ? {} : { tags: nodeTags }),
  };
  return Object.keys(wanted).length === 0 ? undefined : wanted;
}

function hostServiceLimits(options: HostServiceOptions = {}): HostServiceLimits | undefined {
  const { without = [], kvMaxBytes, objectStoreMaxBytes, httpAllow } = options;
  const limits = {
    ...(without.length === 0 ? {} : { disabled: without }),
    ...(kvMaxBytes === undefined ? {} : { kv_max_bytes: kvMaxBytes }),
    ...(objectStoreMaxBytes === undefined ? {} : { object_store_max_bytes: objectStoreMaxBytes }),
    ...(httpAllow === undefined ? {} : { http_allow: httpAllow }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}
