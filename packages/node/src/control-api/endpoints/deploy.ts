import {
  ARTIFACT_BUCKET,
  checkName,
  type Claims,
  type DeployRequest,
  isLegacyClaims,
  isName,
  LEGACY_HASH,
  NexError,
  openEnvironment,
  readObjectLocation,
  type RunResponse,
  type WorkloadDetail,
  type WorkloadKind,
} from "@nex/protocol";
import type { ObjectPlace } from "../../artifacts/artifact-store.ts";
import type { RolledOut } from "../../placement/rollouts.ts";
import type { CachedArtifact } from "../../artifacts/artifact-cache.ts";
import type { ControlContext } from "../context.ts";
import { checkDeploy, checkProgramEnvironment } from "./check-deploy.ts";
import { describeRollout } from "./describe-rollout.ts";
import { needsOf } from "./needs.ts";
import { planDeploy } from "./plan-deploy.ts";

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
  body: unknown,
): Promise<RunResponse> {
  checkName("namespace", namespace);
  checkFit(context, request);
  const checked = checkDeploy(context, namespace, request);
  const place = checkPlace(context, request);
  checkClaims(context, claims, namespace, checked.kind, request);
  using _admitted = context.deploys.begin({
    namespace,
    name: claims.name,
    issuer: claims.issuer,
    replicas: request.replicas ?? 1,
    artifact: claims.hash,
  });
  // The dearest check of all, 1.5 ms of arithmetic: only for those who may deploy.
  const env = openEnvironment(request.environment, context.identity.exchangeKey, request.sender_public_key);
  if (checked.kind === "elf") checkProgramEnvironment(env);
  await context.admission.use(claims);
  const artifact = await fetchArtifact(context, claims, place);
  const { fleet } = context;
  if (fleet !== undefined) {
    await fleet.makeReady(namespace, claims.name);
    const { sha256, size } = artifact;
    const rolledOut = await fleet.rollouts.deploy(namespace, claims.name, {
      owner: claims.issuer,
      body,
      request,
      artifact: { sha256, size },
      replicas: request.replicas ?? 1,
      needs: needsOf(context, checked.kind, request),
    });
    return fleetRunResponse(namespace, claims, checked.kind, rolledOut);
  }
  const plan = planDeploy(context, { namespace, request, claims, artifact, env, checked });
  return toRunResponse(await context.supervisor.deploy(plan), claims);
}

function checkFit(context: ControlContext, request: DeployRequest): void {
  if (context.lameDuck.isOn)
    throw new NexError("lame_duck", "Node is in lame duck mode. Workload deploy request denied");
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

function fleetRunResponse(namespace: string, claims: Claims, kind: WorkloadKind, rolledOut: RolledOut): RunResponse {
  const { revision, state, instances } = describeRollout(rolledOut);
  const [first] = instances;
  return {
    started: true,
    id: first?.id ?? "",
    issuer: claims.issuer,
    name: claims.name,
    namespace,
    kind,
    revision,
    state,
    instances,
  };
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
