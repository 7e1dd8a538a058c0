import { controlSubjects, signRequest, type UndeployRequest, undeployResponseSchema } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { orderFromNode } from "../requests/control.ts";
import { CLAIMS_LIFETIME_MS } from "./claims.ts";
import { locateWorkload } from "./known-workloads.ts";
import { stopOnLegacyNode } from "./legacy-node.ts";
import { describe } from "./placement.ts";

/** What a stop has ended. */
export interface StoppedWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly instances: readonly { readonly id: string; readonly node_id: string }[];
}

/** Stops a workload on every node that runs it, or on one. All are asked, even if one refuses. */
export async function stop(context: ClientContext, name: string, node?: string): Promise<StoppedWorkload> {
  const known = await locateWorkload(context, name, node);
  const outcomes = await Promise.allSettled(
    known.map(async ({ nodeId, workload, isLegacy }) => {
      const ids = isLegacy
        ? await stopOnLegacyNode(context, nodeId, workload)
        : await stopOn(context, workload.name, nodeId);
      return ids.map((id) => ({ id, node_id: nodeId }));
    }),
  );
  const instances = outcomes.flatMap((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
  return { name, namespace: context.namespace, instances };
}

async function stopOn(context: ClientContext, name: string, nodeId: string): Promise<readonly string[]> {
  const [issuer, { nexus }] = await Promise.all([context.issuer(), describe(context, nodeId)]);
  const { namespace } = context;
  const claims = {
    name,
    action: "stop",
    namespace,
    nexus,
    node: nodeId,
    expiresAt: Date.now() + CLAIMS_LIFETIME_MS,
  } as const;
  const request: UndeployRequest = signRequest(issuer, claims, { name, target_node: nodeId });
  const subject = controlSubjects.undeploy(namespace, nodeId);
  const { instances } = await orderFromNode(context, nodeId, subject, undeployResponseSchema, request);
  return instances;
}
