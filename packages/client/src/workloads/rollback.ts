import {
  controlSubjects,
  NexError,
  type RollbackRequest,
  type RollbackResponse,
  rollbackResponseSchema,
  signRequest,
  type WorkloadDetail,
  type WorkloadRevision,
} from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { orderFromNode } from "../requests/control.ts";
import { CLAIMS_LIFETIME_MS } from "./claims.ts";
import type { DeployedWorkload } from "./deploy.ts";
import { type KnownWorkload, locateWorkload, oneOfEachFleet } from "./known-workloads.ts";
import { mergeStates } from "./merge.ts";
import { describe } from "./placement.ts";

/** Runs an earlier revision again, on every node that runs the workload; one node of a fleet is asked for all of them. */
export async function rollback(
  context: ClientContext,
  name: string,
  revision: number | undefined,
): Promise<DeployedWorkload> {
  const known = oneOfEachFleet(await locateWorkload(context, name));
  // All before any: a node that does not have the revision must not leave the others on another one.
  const steps = known.map(({ nodeId, workload }) => ({
    nodeId,
    workload,
    target: earlierRevision(workload, revision),
  }));
  const done = await Promise.all(steps.map(async (step) => await rollBackOn(context, step)));
  const [first] = done as [RollbackResponse, ...RollbackResponse[]];
  return {
    name: first.name,
    namespace: first.namespace,
    kind: first.kind,
    revision: Math.max(...done.map((response) => response.revision)),
    state: mergeStates(done.map((response) => response.state)),
    instances: done.flatMap((response) => response.instances),
  };
}

function earlierRevision({ name, revision: current, revisions }: WorkloadDetail, wanted?: number): WorkloadRevision {
  const found = revisions.find(({ revision }) => (wanted === undefined ? revision < current : revision === wanted));
  if (found !== undefined && found.revision !== current) return found;
  const kept = revisions.map(({ revision }) => revision);
  const others = kept.filter((revision) => revision !== current);
  const rest = others.length === 0 ? "no other is kept" : `besides it are kept: ${others.join(", ")}`;
  const what = wanted === undefined ? "an earlier revision" : `revision ${wanted}`;
  throw new NexError(
    "revision_not_found",
    `"${name}" cannot go back to ${what}: revision ${current} runs, ${rest}. See "nex info ${name}".`,
    { data: { current, kept } },
  );
}

async function rollBackOn(
  context: ClientContext,
  { nodeId, workload, target }: KnownWorkload & { readonly target: WorkloadRevision },
): Promise<RollbackResponse> {
  const [issuer, { nexus }] = await Promise.all([context.issuer(), describe(context, nodeId)]);
  const { name, kind } = workload;
  const { namespace } = context;
  const request: RollbackRequest = signRequest(
    issuer,
    {
      name,
      action: "rollback",
      namespace,
      nexus,
      kind,
      hash: target.sha256,
      node: nodeId,
      expiresAt: Date.now() + CLAIMS_LIFETIME_MS,
    },
    { name, revision: target.revision, target_node: nodeId },
  );
  const subject = controlSubjects.rollback(namespace, nodeId);
  return await orderFromNode(context, nodeId, subject, rollbackResponseSchema, request);
}
