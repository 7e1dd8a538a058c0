import {
  ARTIFACT_BUCKET,
  checkName,
  type Claims,
  deployKind,
  type DeployRequest,
  type Environment,
  formatDestination,
  isLegacyClaims,
  isName,
  LEGACY_HASH,
  MAX_ARGUMENT_BYTES,
  NexError,
  openEnvironment,
  parseDestination,
  readObjectLocation,
  type RunResponse,
  type WorkloadDetail,
  type WorkloadKind,
} from "@nex/protocol";
import type { ObjectPlace } from "../../artifacts/artifact-store.ts";
import type { CachedArtifact } from "../../artifacts/artifact-cache.ts";
import { LEGACY_READY_MS, READY_MS, type WorkloadPlan } from "../../supervisor/plan.ts";
import { SUPPORTED_KINDS } from "../../version.ts";
import type { ControlContext } from "../context.ts";
import { deployHostServices } from "./deploy-host-services.ts";
import { checkFunctionLimits, deployLimits } from "./deploy-limits.ts";

/** Characters of a bucket's or an object's name: far more than either ever has. */
const MAX_LOCATION_LENGTH = 1024;

/** Of description and tags together. Lists of workloads show them, and must fit one message. */
const MAX_LABELS_LENGTH = 4096;

/** It becomes a file's name in the cache. */
const SHA256 = /^[0-9a-f]{64}$/;

/** Runs a deploy: every check first, cheap ones before dear ones, then the artifact, then the workload. */
export async function deploy(
  context: ControlContext,
  namespace: string,
  request: DeployRequest,
  claims: Claims,
): Promise<RunResponse> {
  checkName("namespace", namespace);
  checkFit(context, request);
  const kind = checkKind(request);
  const limits = deployLimits(context, kind, request);
  checkFunctionLimits(context.config, request);
  const triggers = checkTriggers(context, namespace, kind, request);
  const connect = checkConnect(context, kind, request);
  const hostServiceLimits = deployHostServices(context, kind, request);
  const place = checkPlace(context, request);
  checkClaims(context, claims, namespace, kind, request);
  using _admitted = context.deploys.begin({
    namespace,
    name: claims.name,
    issuer: claims.issuer,
    replicas: request.replicas ?? 1,
    artifact: claims.hash,
  });
  // The dearest check of all, 1.5 ms of arithmetic: only for those who may deploy.
  const env = openEnvironment(request.environment, context.identity.exchangeKey, request.sender_public_key);
  if (kind === "elf") checkProgramEnvironment(env);
  await context.admission.use(claims);
  const artifact = await fetchArtifact(context, claims, place);
  const { functions } = context.config;
  const plan: WorkloadPlan = {
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
  return toRunResponse(await context.supervisor.deploy(plan), claims);
}

/** A WebAssembly function has a default of its own; a JavaScript one has what its sandbox holds it to. */
function functionMemory(
  { config, sandbox }: ControlContext,
  kind: WorkloadKind,
  { memory_bytes: asked }: DeployRequest,
): Pick<WorkloadPlan, "memoryBytes"> {
  const held = kind === "javascript" && sandbox.limits.has("memoryBytes") ? config.limits.memory : undefined;
  const memoryBytes = asked ?? held;
  return memoryBytes === undefined ? {} : { memoryBytes };
}

function checkFit(context: ControlContext, request: DeployRequest): void {
  if (context.lameDuck) throw new NexError("lame_duck", "Node is in lame duck mode. Workload deploy request denied");
  if (request.target_node !== context.identity.nodeId) {
    throw new NexError(
      "invalid_request",
      `The deploy is meant for the node ${request.target_node.slice(0, 60)}, not for this one.`,
      { data: { field: "target_node" } },
    );
  }
  if (request.trigger_connection !== undefined || request.host_services !== undefined) {
    throw new NexError(
      "invalid_request",
      "This node takes no credentials from a deploy (trigger_connection, host_services): its operator configures each namespace's connection.",
    );
  }
  if (JSON.stringify([request.description, request.tags]).length > MAX_LABELS_LENGTH) {
    throw new NexError(
      "invalid_request",
      `Description and tags together may have ${MAX_LABELS_LENGTH} characters. Shorten them.`,
      { data: { field: "description" } },
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

function checkTriggers(
  context: ControlContext,
  namespace: string,
  kind: WorkloadKind,
  request: DeployRequest,
): string[] {
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
  for (const subject of triggers)
    context.subjects.checkTrigger(namespace, subject, request.allow_all_subjects ?? false);
  return triggers;
}

/** Functions get theirs as values, so only a program's has the kernel's limit. */
function checkProgramEnvironment(env: Environment): void {
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

/** The destinations of a service, each once, in the spelling that the link uses. */
function checkConnect(context: ControlContext, kind: WorkloadKind, { connect = [] }: DeployRequest): string[] {
  if (connect.length > 0 && kind !== "elf") {
    throw new NexError(
      "invalid_request",
      "Only services can be connected to the outside (--connect); functions use host services.",
      { data: { field: "connect" } },
    );
  }
  const destinations = connect.map(parseDestination);
  for (const destination of destinations) context.connectRules.check(destination);
  return [...new Set(destinations.map(formatDestination))];
}

/** The node reads objects with its own rights, so a deploy may only name stores that are meant for artifacts. */
function checkPlace(context: ControlContext, request: DeployRequest): ObjectPlace {
  const { Host, Path } = request.location;
  // They come back in errors, and reading a path takes time that grows with the square of its slashes.
  if (Host.length > MAX_LOCATION_LENGTH || Path.length > MAX_LOCATION_LENGTH) {
    throw new NexError(
      "invalid_request",
      `The location's bucket and path may have ${MAX_LOCATION_LENGTH} characters each.`,
      { data: { field: "location" } },
    );
  }
  const { bucket, name } = readObjectLocation(request.location);
  const allowed = [ARTIFACT_BUCKET, ...context.config.artifacts.buckets];
  if (!allowed.includes(bucket)) {
    throw new NexError(
      "not_allowed",
      `This node takes artifacts from the object stores ${allowed.join(", ")}, not from "${bucket}". The operator can add it to artifacts.buckets.`,
      { data: { bucket } },
    );
  }
  const domain = request.jsdomain ?? "";
  // It becomes part of the subjects the node asks JetStream on.
  if (domain !== "" && !isName(domain)) {
    throw new NexError("invalid_request", "A JetStream domain (jsdomain) is 1 to 63 letters, digits, `_` or `-`.", {
      data: { field: "jsdomain" },
    });
  }
  return { bucket, name, ...(domain === "" ? {} : { domain }) };
}

function checkClaims(
  context: ControlContext,
  claims: Claims,
  namespace: string,
  kind: WorkloadKind,
  request: DeployRequest,
): void {
  const { hash } = claims;
  const isHash = hash !== undefined && (SHA256.test(hash) || (isLegacyClaims(claims) && hash === LEGACY_HASH));
  if (!isHash) {
    throw new NexError(
      "claims_mismatch",
      "The claims name no artifact hash. Sign the SHA-256 of the artifact, in lower-case hex.",
      { data: { what: "artifact" } },
    );
  }
  if (request.artifact !== undefined && request.artifact.sha256 !== hash) {
    throw new NexError("claims_mismatch", "The deploy names another artifact than its claims were signed for.", {
      data: { what: "artifact", signed: hash, expected: request.artifact.sha256 },
    });
  }
  context.admission.check(claims, { action: "deploy", namespace, kind, sha256: hash });
}

async function fetchArtifact(context: ControlContext, claims: Claims, place: ObjectPlace): Promise<CachedArtifact> {
  const hash = claims.hash!;
  const isUnsigned = isLegacyClaims(claims) && hash === LEGACY_HASH;
  const artifact = isUnsigned ? await context.cache.fetchUnsigned(place) : await context.cache.fetch(hash, place);
  // From here on it lies where all artifacts lie, whatever becomes of the client's own bucket.
  if (place.bucket !== ARTIFACT_BUCKET || place.name !== artifact.sha256)
    await context.artifacts.keep(artifact.sha256, artifact.path);
  return artifact;
}

function toRunResponse(detail: WorkloadDetail, claims: Claims): RunResponse {
  const { name, namespace, kind, revision, state, instances } = detail;
  return {
    started: true,
    id: instances[0]?.id ?? "",
    issuer: claims.issuer,
    name,
    namespace,
    kind,
    revision,
    state,
    instances,
  };
}
