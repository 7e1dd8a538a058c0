import {
  type Claims,
  deployKind,
  type DeployRequest,
  type Environment,
  isLegacyClaims,
  type WorkloadKind,
} from "@nex/protocol";
import { type ArtifactRef, LEGACY_READY_MS, READY_MS, type WorkloadPlan } from "../../supervisor/plan.ts";
import type { ControlContext } from "../context.ts";
import type { CheckedDeploy } from "./check-deploy.ts";

export interface DeployToPlan {
  readonly namespace: string;
  readonly request: DeployRequest;
  readonly claims: Claims;
  readonly artifact: ArtifactRef;
  readonly env: Environment;
  /** Absent for one that may not run here: its plan only says what it would be. */
  readonly checked?: CheckedDeploy;
}

/** Everything about a revision, from its deploy and the defaults of this node. */
export function planDeploy(
  context: Pick<ControlContext, "config" | "sandbox">,
  { namespace, request, claims, artifact, env, checked }: DeployToPlan,
): WorkloadPlan {
  const { functions } = context.config;
  const { kind, limits, triggers, connect, hostServiceLimits } = checked ?? {
    kind: deployKind(request),
    limits: {},
    triggers: request.trigger_subjects ?? [],
    connect: request.connect ?? [],
    hostServiceLimits: request.host_service_limits,
  };
  return {
    namespace,
    name: claims.name,
    kind,
    description: request.description ?? "",
    artifact: { sha256: artifact.sha256, size: artifact.size },
    env,
    argv: request.argv ?? [],
    triggers,
    connect,
    tags: request.tags ?? {},
    replicas: request.replicas ?? 1,
    essential: request.essential ?? false,
    deadlineMs: request.deadline_ms ?? functions.deadline_ms,
    maxInFlight: request.max_in_flight ?? functions.max_in_flight,
    maxWaiting: request.max_waiting ?? functions.max_waiting,
    ...functionMemory(context, kind, request),
    limits,
    readyMs: isLegacyClaims(claims) ? LEGACY_READY_MS : READY_MS,
    ...(hostServiceLimits === undefined ? {} : { hostServiceLimits }),
    claims,
  };
}

/** A WebAssembly function has a default of its own; a JavaScript one has what its sandbox holds it to. */
function functionMemory(
  { config, sandbox }: Pick<ControlContext, "config" | "sandbox">,
  kind: WorkloadKind,
  { memory_bytes: asked }: DeployRequest,
): Pick<WorkloadPlan, "memoryBytes"> {
  const held = kind === "javascript" && sandbox.limits.has("memoryBytes") ? config.limits.memory : undefined;
  const memoryBytes = asked ?? held;
  return memoryBytes === undefined ? {} : { memoryBytes };
}
