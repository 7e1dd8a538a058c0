import { z } from "zod";
import { NexError } from "../../errors.ts";
import {
  HOST_SERVICES,
  type HostServiceName,
  legacyKind,
  parseKind,
  WORKLOAD_KINDS,
  type WorkloadKind,
} from "../../workloads/names.ts";
import { count, listOf, MAX_ITEMS, messageObject, positive, sha256, stringMap, timestamp } from "./shape.ts";

/** Where the artifact is: the fields of Go's `url.URL`, capitalised as Go writes them. */
export interface DeployLocation {
  /** `nats`. */
  readonly Scheme?: string;
  /** Name of the object store. */
  readonly Host: string;
  /** `/` and the object's name. */
  readonly Path: string;
}

/** A connection of its own for triggers or host services, in 0.2.7's words. */
export interface LegacyConnection {
  readonly nats_url?: string;
  readonly nats_user_jwt?: string;
  readonly nats_user_seed?: string;
}

/** What a function gets less of than its node gives. Nothing here gives more. */
export interface HostServiceLimits {
  /** Services it does not get. */
  readonly disabled?: readonly HostServiceName[];
  readonly kv_max_bytes?: number;
  readonly object_store_max_bytes?: number;
  /** Hosts that HTTP reaches, and no other: `host`, `host:port`, `*.domain`, an address, a block. */
  readonly http_allow?: readonly string[];
}

/** Body of `$NEX.DEPLOY`. Up to `retried_at` the fields of 0.2.7, after it our additions. */
export interface DeployRequest {
  readonly argv?: readonly string[];
  /** Default empty. A Go node wants it present. */
  readonly description?: string;
  /** `native`, `v8`, `wasm` for Go nodes; ours also read `elf` and `javascript`. See {@link deployKind}. */
  readonly type: string;
  readonly location: DeployLocation;
  /** Restart when it ends. Default false. */
  readonly essential?: boolean;
  /** Claims of the issuer; the workload's name is their subject. */
  readonly workload_jwt: string;
  /** See `sealEnvironment`. */
  readonly environment: string;
  /** JetStream domain of the object store; empty for none. */
  readonly jsdomain?: string;
  /** `X…` that sealed the environment. */
  readonly sender_public_key: string;
  /** `N…`. */
  readonly target_node: string;
  readonly trigger_subjects?: readonly string[];
  readonly trigger_connection?: LegacyConnection;
  readonly host_services?: LegacyConnection;
  /** Written by a Go node about its own redeploys. */
  readonly retry_count?: number;
  readonly retried_at?: string;

  readonly kind?: WorkloadKind;
  /** Invocations that run at one time in an instance. */
  readonly max_in_flight?: number;
  /** Invocations that may wait beyond those. */
  readonly max_waiting?: number;
  /** Of one invocation. */
  readonly deadline_ms?: number;
  /** Of the workload itself. */
  readonly memory_bytes?: number;
  /** Processors, such as 0.5. */
  readonly cpus?: number;
  /** Processes and threads. */
  readonly max_processes?: number;
  readonly replicas?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** Destinations `host:port` that are tunnelled into the sandbox. */
  readonly connect?: readonly string[];
  readonly host_service_limits?: HostServiceLimits;
  /** Admit the trigger `>` alone. */
  readonly allow_all_subjects?: boolean;
  readonly artifact?: { readonly sha256: string; readonly size: number };
  /** Which nodes of the nexus may run it. Default: all that run its kind. */
  readonly placement?: PlacementRequest;
}

/** What a node must be to run a workload. */
export interface PlacementRequest {
  /** Id of the only node. */
  readonly node?: string;
  /** Tags that it has, those that it sets itself (`nex.arch`, `nex.sandbox`) among them. */
  readonly tags?: Readonly<Record<string, string>>;
}

const legacyConnection = messageObject({
  nats_url: z.string().exactOptional(),
  nats_user_jwt: z.string().exactOptional(),
  nats_user_seed: z.string().exactOptional(),
});

/** Longest delay a timer of Node.js can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Of a node's id, a tag or its value: what a record of the nexus holds. */
const MAX_PLACEMENT_LENGTH = 256;

/** A name, a port and brackets. */
const MAX_HOST_LENGTH = 300;

const destination = z.string().regex(/^(?:[^\s:[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$/, {
  error: "is not a destination such as db.example.com:5432",
});

/** What Linux takes as one argument or one `NAME=value`, its zero byte included: MAX_ARG_STRLEN in binfmts.h. */
export const MAX_ARGUMENT_BYTES: number = 128 * 1024;

const argument: z.ZodType<string> = z
  .string()
  .refine((text) => !text.includes("\0"), { error: "has a zero byte, which no argument of a program can have" })
  .refine((text) => Buffer.byteLength(text) < MAX_ARGUMENT_BYTES, {
    error: `is longer than the ${MAX_ARGUMENT_BYTES - 1} bytes that Linux takes as one argument`,
  });

export const deployRequestSchema: z.ZodType<DeployRequest> = messageObject({
  argv: listOf(argument, MAX_ITEMS).exactOptional(),
  description: z.string().exactOptional(),
  type: z.string(),
  location: messageObject({ Scheme: z.string().exactOptional(), Host: z.string(), Path: z.string() }),
  essential: z.boolean().exactOptional(),
  workload_jwt: z.string(),
  environment: z.string(),
  jsdomain: z.string().exactOptional(),
  sender_public_key: z.string(),
  target_node: z.string(),
  trigger_subjects: listOf(z.string(), MAX_ITEMS).exactOptional(),
  trigger_connection: legacyConnection.exactOptional(),
  host_services: legacyConnection.exactOptional(),
  retry_count: count.exactOptional(),
  retried_at: timestamp.exactOptional(),
  kind: z.enum(WORKLOAD_KINDS).exactOptional(),
  max_in_flight: positive.exactOptional(),
  max_waiting: count.exactOptional(),
  deadline_ms: z.int().positive().max(MAX_TIMER_MS).exactOptional(),
  memory_bytes: positive.exactOptional(),
  cpus: z.number().min(0.01).max(4096).exactOptional(),
  max_processes: positive.exactOptional(),
  replicas: z.int().positive().max(1000).exactOptional(),
  tags: stringMap(MAX_ITEMS).exactOptional(),
  connect: listOf(destination, MAX_ITEMS).exactOptional(),
  host_service_limits: messageObject({
    disabled: listOf(z.enum(HOST_SERVICES), MAX_ITEMS).exactOptional(),
    kv_max_bytes: positive.exactOptional(),
    object_store_max_bytes: positive.exactOptional(),
    http_allow: listOf(z.string().max(MAX_HOST_LENGTH), MAX_ITEMS).exactOptional(),
  }).exactOptional(),
  allow_all_subjects: z.boolean().exactOptional(),
  artifact: messageObject({ sha256, size: count }).exactOptional(),
  placement: messageObject({
    node: z.string().min(1).max(MAX_PLACEMENT_LENGTH).exactOptional(),
    tags: z
      .record(z.string().min(1).max(MAX_PLACEMENT_LENGTH), z.string().min(1).max(MAX_PLACEMENT_LENGTH))
      .exactOptional(),
  }).exactOptional(),
});

/** The kind a deploy asks for. @throws NexError `unsupported_kind`; `invalid_request` if `type` and `kind` differ */
export function deployKind(request: Pick<DeployRequest, "type" | "kind">): WorkloadKind {
  const kind = parseKind(request.type);
  if (kind === undefined) {
    const shown = request.type.slice(0, 40);
    throw new NexError(
      "unsupported_kind",
      `Unsupported workload type on this node: ${shown}. Known are ${WORKLOAD_KINDS.join(", ")} (in 0.2.7's words native, v8, wasm).`,
      { data: { type: shown } },
    );
  }
  if (request.kind !== undefined && request.kind !== kind) {
    throw new NexError(
      "invalid_request",
      `The deploy's type is ${legacyKind(kind)} but its kind is ${request.kind}; name the same in both.`,
      {
        data: { type: request.type, kind: request.kind },
      },
    );
  }
  return kind;
}

/** The location of an object in a JetStream object store, with every field a Go node's URL has. */
export function objectLocation(bucket: string, name: string): DeployLocation {
  const url = {
    Scheme: "nats",
    Opaque: "",
    User: null,
    Host: bucket,
    Path: `/${name}`,
    RawPath: "",
    OmitHost: false,
    ForceQuery: false,
    RawQuery: "",
    Fragment: "",
    RawFragment: "",
  };
  return url;
}

/** Bucket and object name of a location, slashes around the name left out. @throws NexError `invalid_request` */
export function readObjectLocation(location: DeployLocation): { bucket: string; name: string } {
  const bucket = location.Host;
  const name = withoutSlashes(location.Path);
  const scheme = location.Scheme?.toLowerCase() ?? "";
  if (bucket !== "" && name !== "" && (scheme === "" || scheme === "nats")) return { bucket, name };
  const shown = `${scheme}://${bucket}/${name}`.slice(0, 200);
  throw new NexError(
    "invalid_request",
    `The location ${shown} names no object: artifacts are read from JetStream object stores, as nats://BUCKET/NAME.`,
    { data: { location: shown } },
  );
}

/** By hand: a regular expression for the slashes at the end takes time that grows with their number squared. */
function withoutSlashes(path: string): string {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === "/") start++;
  while (end > start && path[end - 1] === "/") end--;
  return path.slice(start, end);
}
