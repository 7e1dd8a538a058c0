import type { HeaderList } from "@nex/link";
import type { LogLevel, NexError } from "@nex/protocol";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ByteBudget } from "./byte-budget.ts";
import type { HostServicesConfig } from "./config.ts";

/** Which workload calls. Known from the link a call came in on, never from the call. */
export interface WorkloadId {
  readonly namespace: string;
  readonly name: string;
}

/** What a workload's services work with. */
export interface ServiceScope {
  readonly workload: WorkloadId;
  readonly config: HostServicesConfig;
  /** The namespace's connection: for messages. */
  readonly connection: NatsConnection;
  /** A connection with rights to these buckets; opened on first use. */
  readonly storage: (buckets: StorageBuckets) => Promise<NatsConnection>;
  /** For bytes that are held for the workload. */
  readonly heldBytes: ByteBudget;
  /** Checks a subject that a message shall go to. @throws NexError `invalid_subject`, `subject_denied` */
  readonly checkSubject: (subject: string) => void;
}

/** Names of a workload's buckets. */
export interface StorageBuckets {
  readonly kv: string;
  readonly objectStore: string;
}

/** What one call came with, and what it may use. */
export interface ServiceCall {
  readonly method: number;
  readonly args: readonly string[];
  readonly headers: HeaderList;
  readonly payload: Buffer;
  /** Aborts when the guest withdraws or its link closes. Made on first use. */
  readonly signal: AbortSignal;
  /** Calls `then` once the guest withdraws or its link closes. Cheaper than {@link signal}; for one at a time. */
  whenWithdrawn(then: (reason: NexError) => void): void;
  /** The body that travels with the call: in pieces, or the payload where the guest cannot stream. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Trigger subjects this guest would itself have to answer, which it cannot while it waits. */
  readonly blockedTriggers: readonly string[];
  readonly note: (level: LogLevel, text: string) => void;
  /** Counts bytes that are kept until the call ends. @throws NexError `overloaded` */
  hold(bytes: number): void;
}

export interface ServiceReply {
  readonly args?: readonly string[];
  readonly headers?: HeaderList;
  readonly payload?: Uint8Array;
  /** A body of any length instead of a payload. */
  readonly body?: AsyncIterable<Uint8Array>;
}

/** A service as one workload uses it. */
export interface OpenService {
  /** @throws NexError, told to the guest */
  call(call: ServiceCall): ServiceReply | Promise<ServiceReply>;
}

/** The host side of a host service: one of these for each folder, named in `registry.ts`. */
export interface HostService {
  readonly name: string;
  /** On the wire. */
  readonly code: number;
  readonly methods: Readonly<Record<string, number>>;
  /** What its calls carry goes to the NATS server. */
  readonly usesNats: boolean;
  isEnabled(config: HostServicesConfig): boolean;
  open(scope: ServiceScope): OpenService;
}
