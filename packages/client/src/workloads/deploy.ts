import {
  controlSubjects,
  type DeployRequest,
  ExchangeKey,
  formatSize,
  type InstanceSummary,
  isNexError,
  NexError,
  type RunResponse,
  runResponseSchema,
  sealEnvironment,
  signRequest,
  type WorkloadKind,
} from "@nex/protocol";
import { openArtifact } from "../artifacts/artifact-source.ts";
import { hashArtifact, uploadArtifact } from "../artifacts/upload.ts";
import type { ClientContext } from "../client-context.ts";
import { orderFromNode } from "../requests/control.ts";
import { CLAIMS_LIFETIME_MS } from "./claims.ts";
import { checkDeployOptions, deployRequest, type DeployOptions, type DeployStage } from "./deploy-options.ts";
import { type Placement, place } from "./placement.ts";

/** A workload that runs. */
export interface DeployedWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  readonly revision: number;
  readonly state: string;
  readonly instances: readonly InstanceSummary[];
  /** It runs on a node of nex 0.2.7, which has to be named whenever the workload is meant. */
  readonly isOnLegacyNode?: true;
}

/** Everything from the options to a running workload. */
export async function deploy(context: ClientContext, options: DeployOptions): Promise<DeployedWorkload> {
  checkDeployOptions(options);
  const { name, kind, node, nodeTags, signal } = options;
  const progress = (stage: DeployStage, done: number, total = 1): void => options.onProgress?.(stage, done, total);
  const issuer = await context.issuer();
  const source = await openArtifact(options.artifact);
  const sha256 = await hashArtifact(source, (done) => progress("hash", done, source.size), signal);

  progress("place", 0);
  const placement = await place(context, { name, kind, node, nodeTags, signal });
  checkSize(source.size, placement);
  progress("place", 1);

  const sender = ExchangeKey.create();
  const request = deployRequest(options, {
    sha256,
    size: source.size,
    node: placement.nodeId,
    environment: sealEnvironment(options.env, sender, placement.xkey),
    senderPublicKey: sender.publicKey,
  });
  const upload = async (): Promise<void> => {
    const { connection } = context;
    await uploadArtifact(connection, source, sha256, (done) => progress("upload", done, source.size), signal);
  };
  const run = async (): Promise<RunResponse> => {
    const claims = {
      name,
      action: "deploy",
      namespace: context.namespace,
      nexus: placement.nexus,
      kind,
      hash: sha256,
      node: placement.nodeId,
      expiresAt: Date.now() + CLAIMS_LIFETIME_MS,
    } as const;
    return await send(context, placement, signRequest(issuer, claims, request), signal);
  };

  await upload();
  progress("deploy", 0);
  const response = await run().catch(async (error: unknown) => {
    // It was there when we looked, and a node has cleaned up since.
    if (!isNexError(error) || error.code !== "artifact_missing") throw error;
    await upload();
    return await run();
  });
  progress("deploy", 1);
  return toDeployed(context, options, placement, response);
}

/** The node would say so too, but only after the upload. */
function checkSize(size: number, { nodeId, maxArtifactBytes }: Placement): void {
  if (size <= maxArtifactBytes) return;
  throw new NexError(
    "too_large",
    `The artifact has ${formatSize(size)}; the node ${nodeId} takes at most ${formatSize(maxArtifactBytes)} (artifacts.max_artifact_bytes).`,
    { data: { size, max_artifact_bytes: maxArtifactBytes, node_id: nodeId } },
  );
}

async function send(
  context: ClientContext,
  { nodeId }: Placement,
  request: DeployRequest,
  signal: AbortSignal | undefined,
): Promise<RunResponse> {
  const subject = controlSubjects.deploy(context.namespace, nodeId);
  return await orderFromNode(context, nodeId, subject, runResponseSchema, request, { signal });
}

/** A Go node tells the instance's id and no more. */
function toDeployed(
  context: ClientContext,
  { name, kind }: DeployOptions,
  { nodeId }: Placement,
  response: RunResponse,
): DeployedWorkload {
  return {
    name,
    namespace: context.namespace,
    kind,
    revision: response.revision ?? 1,
    state: response.state ?? "running",
    instances: response.instances ?? [{ id: response.id, node_id: nodeId, state: "running", uptime_ms: 0 }],
    ...(response.instances === undefined ? { isOnLegacyNode: true } : {}),
  };
}
