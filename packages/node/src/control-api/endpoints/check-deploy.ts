import {
  deployKind,
  type DeployRequest,
  type Environment,
  formatDestination,
  type HostServiceLimits,
  MAX_ARGUMENT_BYTES,
  NexError,
  parseDestination,
  type WorkloadKind,
} from "@nex/protocol";
import type { SandboxLimits } from "@nex/sandboxes";
import { SUPPORTED_KINDS } from "../../version.ts";
import type { ControlContext } from "../context.ts";
import { deployHostServices } from "./deploy-host-services.ts";
import { checkFunctionLimits, deployLimits } from "./deploy-limits.ts";

/** What a deploy asks for, where this node gives it. */
export interface CheckedDeploy {
  readonly kind: WorkloadKind;
  readonly limits: SandboxLimits;
  readonly triggers: readonly string[];
  readonly connect: readonly string[];
  readonly hostServiceLimits: HostServiceLimits | undefined;
}

/** What of a node a deploy is checked against. */
type Offer = Pick<ControlContext, "config" | "sandbox" | "subjects" | "connectRules">;

/** Whether this node runs what a deploy asks for, whoever asks and whenever. @throws NexError */
export function checkDeploy(offer: Offer, namespace: string, request: DeployRequest): CheckedDeploy {
  const kind = checkKind(request);
  const limits = deployLimits(offer, kind, request);
  checkFunctionLimits(offer.config, request);
  const triggers = checkTriggers(offer, namespace, kind, request);
  const connect = checkConnect(offer, kind, request);
  return { kind, limits, triggers, connect, hostServiceLimits: deployHostServices(offer, kind, request) };
}

/** Functions get theirs as values, so only a program's has the kernel's limit. */
export function checkProgramEnvironment(env: Environment): void {
  for (const [name, value] of Object.entries(env)) {
    const size = Buffer.byteLength(`${name}=${value}`);
    if (size < MAX_ARGUMENT_BYTES) continue;
    throw new NexError(
      "too_large",
      `The environment variable ${name.slice(0, 80)} has ${size} bytes; Linux takes less than ${MAX_ARGUMENT_BYTES} in one. Have the service read it from elsewhere.`,
      { data: { variable: name.slice(0, 80), size } },
    );
  }
}

function checkKind(request: DeployRequest): WorkloadKind {
  const kind = deployKind(request);
  if (SUPPORTED_KINDS.includes(kind)) return kind;
  throw new NexError(
    "unsupported_kind",
    `Unsupported workload type on this node: ${request.type}. It runs: ${SUPPORTED_KINDS.join(", ")}.`,
    { data: { kind, supported: SUPPORTED_KINDS } },
  );
}

function checkTriggers(offer: Offer, namespace: string, kind: WorkloadKind, request: DeployRequest): string[] {
  const triggers = [...new Set(request.trigger_subjects)];
  if (kind === "elf") {
    if (triggers.length === 0) return triggers;
    throw new NexError(
      "trigger_unsupported",
      `Unsupported workload type for trigger subject registration: ${request.type}`,
    );
  }
  if (triggers.length === 0)
    throw new NexError("invalid_request", "A function needs at least one trigger subject (--trigger orders.*).", {
      data: { field: "trigger_subjects" },
    });
  for (const subject of triggers) offer.subjects.checkTrigger(namespace, subject, request.allow_all_subjects ?? false);
  return triggers;
}

/** The destinations of a service, each once, in the spelling that the link uses. */
function checkConnect(offer: Offer, kind: WorkloadKind, { connect = [] }: DeployRequest): string[] {
  if (connect.length > 0 && kind !== "elf") {
    throw new NexError(
      "invalid_request",
      "Only services can be connected to the outside (--connect); functions use host services.",
      { data: { field: "connect" } },
    );
  }
  const destinations = connect.map(parseDestination);
  for (const destination of destinations) offer.connectRules.check(destination);
  return [...new Set(destinations.map(formatDestination))];
}
