import type { DeployOrder } from "@nex/link";
import type { Claims, HostServiceLimits, WorkloadKind } from "@nex/protocol";
import type { SandboxLimits } from "@nex/sandboxes";

/** An artifact by its content. */
export interface ArtifactRef {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly size: number;
}

/** Everything about one revision of a workload, complete: what was optional in the deploy request has its default here. */
export interface WorkloadPlan {
  readonly namespace: string;
  readonly name: string;
  readonly kind: WorkloadKind;
  readonly description: string;
  readonly artifact: ArtifactRef;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly triggers: readonly string[];
  /** Destinations `host:port` that a service reaches through tunnels. All are allowed by the node's config. */
  readonly connect: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly essential: boolean;
  /** From a message's arrival to its answer, ms. */
  readonly deadlineMs: number;
  readonly maxInFlight: number;
  readonly maxWaiting: number;
  /**
   * What the memory of a WebAssembly function may grow to, or a JavaScript one is held to. Absent: as much as such a
   * function gets by default.
   */
  readonly memoryBytes?: number;
  /** What its sandbox holds it to, where that is narrower than the node's own limits. */
  readonly limits: SandboxLimits;
  /** How long the deploy of a service waits to see whether it stays up, ms. */
  readonly readyMs: number;
  /** What the function gets less of than the node gives. Checked against the node's config. */
  readonly hostServiceLimits?: HostServiceLimits;
  /** What the issuer signed. Whoever stops or replaces the workload must be the same. */
  readonly claims: Claims;
}

/** How long a deploy may take in the sandbox: fetch, hash, load. ms */
export const DEPLOY_DEADLINE_MS = 30_000;

/** How long a service must stay up to count as running, ms. */
export const READY_MS = 1000;

/**
 * How long the answer to a deploy of nex 0.2.7's clients waits for that, ms: `devrun` hears nothing after 750 ms for
 * the whole of it. Until the service counts as running, its state says that it is starting.
 */
export const LEGACY_READY_MS = 200;

/** Between TERM and KILL when a workload is stopped, ms. */
export const STOP_GRACE_MS = 5000;

/** Invocations of one runner that may be given up on and still hang before it is replaced. */
export const MAX_ABANDONED = 64;

/** Failures in a row after which an instance counts as crash-looping. It goes on trying, slowly. */
export const CRASH_LOOP_AFTER = 5;

/** Up for this long, an instance's earlier failures are forgotten, ms. */
export const STABLE_MS = 60_000;

/** A runner that ends sooner than this after its start is not replaced at once, ms. */
export const QUICK_DEATH_MS = 1000;

/** What an agent is asked for this revision. */
export function deployOrder(plan: WorkloadPlan, revision: number): DeployOrder {
  return {
    namespace: plan.namespace,
    name: plan.name,
    revision,
    kind: plan.kind,
    sha256: plan.artifact.sha256,
    size: plan.artifact.size,
    env: plan.env,
    argv: plan.argv,
    triggers: plan.triggers,
    connect: plan.connect,
    ready_ms: plan.readyMs,
    memory_bytes: plan.memoryBytes,
  };
}
