import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { type HostServicesConfig, type HostServicesOptions, hostServicesSchema } from "@nex/host-services/host";
import { z } from "zod";
import {
  checkMessage,
  DEFAULT_ARTIFACT_QUOTA,
  decodePublic,
  durationSchema,
  isName,
  isSubjectPattern,
  NexError,
  sizeSchema,
} from "@nex/protocol";
import { type NamespaceConfig, type NamespaceOptions, namespaceSchema } from "./namespaces.ts";
import {
  type FirecrackerConfig,
  type FirecrackerOptions,
  firecrackerSchema,
  type QemuConfig,
  type QemuOptions,
  qemuSchema,
  SANDBOX_NAMES,
  type SandboxName,
} from "@nex/sandboxes";
import { isConnectRule } from "../tunnels/connect-rules.ts";

/** A node's config file, and what a caller may set. Every key is optional; sizes may be written as `64MiB`. */
export interface NodeOptions {
  /** Fleet this node belongs to. Default `nexus`. */
  readonly nexus?: string;
  /** File with the seed of the exchange key that all nodes of the nexus share. Default: the node makes its own. */
  readonly nexus_key_file?: string;
  /** What another node runs is taken over once that one has been silent for so long. Default 10s. */
  readonly failover_after?: number | string;
  /** A node that is asked to stop gives what it runs to others for so long, then it stops all the same. Default 30s. */
  readonly drain_timeout?: number | string;
  readonly jetstream?: {
    /** Servers of a cluster that each keep a copy of records, used claims and artifacts. Default 1. */
    readonly replicas?: number;
  };
  readonly tags?: Readonly<Record<string, string>>;
  /** Default `auto`: the strongest that works here. */
  readonly sandbox?: SandboxName | "auto";
  /** Sandboxes kept ready ahead. Default 1. */
  readonly pool?: { readonly size?: number };
  /** What every sandbox holds its workload to, if it can. A deploy can only ask for less. */
  readonly limits?: {
    /** Of the workload; agent and runner come on top. Default 512 MiB. */
    readonly memory?: number | string;
    /** Processors, such as 0.5. Default: no limit. */
    readonly cpus?: number;
    /** Processes and threads of the workload. Default 128. */
    readonly processes?: number;
    /** Room for its files. Default 512 MiB. */
    readonly disk?: number | string;
  };
  /** Let workloads in bubblewrap use this machine's network. Default false: they reach nothing but what is tunnelled. */
  readonly share_network?: boolean;
  /** Where `nex image build` has put the image of virtual machines. Default: `nex/image` in the XDG data directory. */
  readonly image_directory?: string;
  /** Programs, places and rates of the Firecracker sandbox. */
  readonly firecracker?: FirecrackerOptions;
  /** How the QEMU sandbox starts its machines. */
  readonly qemu?: QemuOptions;
  /** Who may deploy, and where: a list of keys for all namespaces, or a map from key to namespaces. Default: everyone. */
  readonly issuers?: readonly string[] | Readonly<Record<string, readonly string[]>>;
  /** Admit claims as nex 0.2.7 signs them: bound to nothing but a name. Default false. */
  readonly accept_legacy_claims?: boolean;
  /** Trigger subjects denied besides the built-in ones. */
  readonly deny_subjects?: readonly string[];
  /** Credentials of each namespace's own connection, where the NATS server asks for some; its subjects on the embedded one. */
  readonly namespaces?: Readonly<Record<string, NamespaceOptions>>;
  /** Let all namespaces use the node's own connection and its rights. Default false. */
  readonly share_node_connection?: boolean;
  /** Instances this node runs at most. Default 0: no limit. */
  readonly max_instances?: number;
  readonly functions?: {
    /** For functions whose deploy names none. Default 5000 ms. */
    readonly deadline_ms?: number;
    /** For functions whose deploy names none. Default 64. */
    readonly max_in_flight?: number;
    /** For functions whose deploy names none. Default 1024. */
    readonly max_waiting?: number;
    /** The longest deadline a deploy may ask for, ms. Default 3,600,000: an hour. */
    readonly deadline_ms_limit?: number;
    /** The most messages that may wait for a function, whatever its deploy asks for. Default 65,536. */
    readonly max_waiting_limit?: number;
    /** Bytes of all messages that wait, headers included. Default 64, 128 and 256 MiB. */
    readonly held_bytes?: {
      readonly workload?: number | string;
      readonly namespace?: number | string;
      readonly node?: number | string;
    };
  };
  readonly services?: {
    /**
     * Where services may be connected to (`--connect`): `host:port`, `*.domain:port`; a port may be `*`. A name that
     * is listed is trusted with whatever it resolves to. Default: nothing; the embedded server is always allowed.
     */
    readonly connect?: readonly string[];
  };
  /** What functions reach through this node. */
  readonly host_services?: HostServicesOptions;
  readonly artifacts?: {
    /** All artifacts of the nexus together. Default 1 GiB. */
    readonly max_bytes?: number | string;
    /** One artifact. Default 256 MiB. */
    readonly max_artifact_bytes?: number | string;
    /** Object stores a deploy may name besides Nex's own. Default `NEXCLIFILES`, where 0.2.7's CLI uploads. */
    readonly buckets?: readonly string[];
  };
  /** For sockets and working directories of sandboxes. Default: `/run` for root, else `XDG_RUNTIME_DIR` or the temporary directory. */
  readonly runtime_directory?: string;
  /**
   * For the node's keys. Where it is named, the node is the same after each start, and what was deployed to it runs
   * again. Default: the node keeps nothing.
   */
  readonly state_directory?: string;
  /** For cached artifacts. Default: `nex` in the XDG cache directory. */
  readonly cache_directory?: string;
}

/** A node's configuration, complete. */
export interface NodeConfig {
  readonly nexus: string;
  readonly nexus_key_file?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly sandbox: SandboxName | "auto";
  readonly pool: { readonly size: number };
  readonly limits: {
    readonly memory: number;
    readonly cpus?: number | undefined;
    readonly processes: number;
    readonly disk: number;
  };
  readonly share_network: boolean;
  readonly image_directory: string;
  readonly firecracker: FirecrackerConfig;
  readonly qemu: QemuConfig;
  /** Namespaces by issuer; `*` stands for all. Empty admits everyone. */
  readonly issuers: ReadonlyMap<string, readonly string[]>;
  readonly accept_legacy_claims: boolean;
  readonly failover_after: number;
  readonly drain_timeout: number;
  readonly jetstream: { readonly replicas: number };
  readonly deny_subjects: readonly string[];
  readonly namespaces: Readonly<Record<string, NamespaceConfig>>;
  readonly share_node_connection: boolean;
  readonly max_instances: number;
  readonly functions: {
    readonly deadline_ms: number;
    readonly max_in_flight: number;
    readonly max_waiting: number;
    readonly deadline_ms_limit: number;
    readonly max_waiting_limit: number;
    readonly held_bytes: { readonly workload: number; readonly namespace: number; readonly node: number };
  };
  readonly services: { readonly connect: readonly string[] };
  readonly host_services: HostServicesConfig;
  readonly artifacts: {
    readonly max_bytes: number;
    readonly max_artifact_bytes: number;
    readonly buckets: readonly string[];
  };
  readonly runtime_directory: string;
  readonly state_directory?: string | undefined;
  readonly cache_directory: string;
}

/** `nex_<nexus>` would be another bucket of ours. */
const RESERVED_NEXUSES = ["claims", "artifacts"];

const name = z.string().refine(isName, { error: "must be 1 to 63 letters, digits, `_` or `-`" });
const namespaces = z.array(z.union([name, z.literal("*")])).min(1);
const account = z.string().refine(isIssuer, { error: "must be a public nkey such as A…" });

const functions = z
  .strictObject({
    deadline_ms: z.int().positive().default(5000),
    max_in_flight: z.int().positive().default(64),
    max_waiting: z.int().nonnegative().default(1024),
    deadline_ms_limit: z.int().positive().default(3_600_000),
    max_waiting_limit: z.int().nonnegative().default(65_536),
    held_bytes: z
      .strictObject({
        workload: sizeSchema.default(64 * 2 ** 20),
        namespace: sizeSchema.default(128 * 2 ** 20),
        node: sizeSchema.default(256 * 2 ** 20),
      })
      .prefault({}),
  })
  .prefault({});

const limits = z
  .strictObject({
    memory: sizeSchema.default(512 * 2 ** 20),
    cpus: z.number().min(0.01).max(4096).optional(),
    processes: z.int().positive().max(100_000).default(128),
    disk: sizeSchema.default(512 * 2 ** 20),
  })
  .prefault({});

const services = z
  .strictObject({
    connect: z
      .array(z.string().refine(isConnectRule, { error: "must be host:port or *.domain:port; a port may be *" }))
      .default([]),
  })
  .prefault({});

const artifacts = z
  .strictObject({
    max_bytes: sizeSchema.default(DEFAULT_ARTIFACT_QUOTA),
    max_artifact_bytes: sizeSchema.default(256 * 2 ** 20),
    buckets: z.array(name).default(["NEXCLIFILES"]),
  })
  .prefault({});

const nodeOptionsSchema: z.ZodType<NodeConfig> = z.strictObject({
  nexus: name
    .refine((text) => !RESERVED_NEXUSES.includes(text), { error: "is a name that Nex keeps for a bucket of its own" })
    .default("nexus"),
  nexus_key_file: z.string().optional(),
  failover_after: durationSchema.default(10_000),
  drain_timeout: durationSchema.default(30_000),
  jetstream: z.strictObject({ replicas: z.int().min(1).max(5).default(1) }).prefault({}),
  tags: z.record(z.string(), z.string()).default({}),
  sandbox: z.enum(["auto", ...SANDBOX_NAMES]).default("auto"),
  pool: z.strictObject({ size: z.int().nonnegative().max(1000).default(1) }).prefault({}),
  limits,
  share_network: z.boolean().default(false),
  image_directory: z
    .string()
    .default(() => join(process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share"), "nex", "image")),
  firecracker: firecrackerSchema,
  qemu: qemuSchema,
  issuers: z
    .union([
      z.array(account).transform((keys) => Object.fromEntries(keys.map((key) => [key, ["*"]]))),
      z.record(account, namespaces),
    ])
    .transform((map): ReadonlyMap<string, readonly string[]> => new Map(Object.entries(map)))
    .prefault([]),
  accept_legacy_claims: z.boolean().default(false),
  deny_subjects: z.array(z.string().refine(isSubjectPattern, { error: "is not a subject pattern" })).default([]),
  namespaces: z.record(name, namespaceSchema).default({}),
  share_node_connection: z.boolean().default(false),
  max_instances: z.int().nonnegative().default(0),
  functions,
  services,
  host_services: hostServicesSchema,
  artifacts,
  runtime_directory: z.string().default(() => defaultRuntimeDirectory()),
  state_directory: z.string().min(1).optional(),
  cache_directory: z.string().default(() => join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "nex")),
});

/** A key with a typing error would admit nobody, and nobody would know why. */
function isIssuer(text: string): boolean {
  try {
    return decodePublic(text).role !== "curve";
  } catch {
    return false;
  }
}

/** @throws NexError `invalid_request` naming the key */
export function completeNodeOptions(options: NodeOptions): NodeConfig {
  const parsed = nodeOptionsSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const strange = parsed.error.issues.find((issue) => issue.code === "unrecognized_keys");
  if (strange === undefined) return checkMessage(nodeOptionsSchema, options, "The node's config");
  const field = [...strange.path, strange.keys[0]].map(String).join(".").slice(0, 120);
  throw new NexError("invalid_request", `The node's config knows no key "${field}". Is it misspelt?`, {
    data: { field },
  });
}

/** Places that are there already, so that nothing of ours is left in them when the last node has gone. */
function defaultRuntimeDirectory(): string {
  if (process.getuid?.() === 0 && process.platform === "linux") return "/run";
  return process.env["XDG_RUNTIME_DIR"] ?? tmpdir();
}
