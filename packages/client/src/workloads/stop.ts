import { controlSubjects, signRequest, type UndeployRequest, undeployResponseSchema } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { orderFromNode } from "../requests/control.ts";
import { CLAIMS_LIFETIME_MS } from "./claims.ts";
import { type KnownWorkload, locateWorkload, oneOfEachFleet } from "./known-workloads.ts";
import { stopOnLegacyNode } from "./legacy-node.ts";
import { describe } from "./placement.ts";

/** What a stop has ended. */
export interface StoppedWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly instances: readonly { readonly id: string; readonly node_id: string }[];
}

/**
 * Stops a workload on every node that runs it, or on one. One node of a fleet is asked for all of them; of the others
 * each is, even if one refuses.
 */
export async function stop(context: ClientContext, name: string, node?: string): Promise<StoppedWorkload> {
  const known = await locateWorkload(context, name, node);
  const asked = node === undefined ? oneOfEachFleet(known) : known;
  const outcomes = await Promise.allSettled(
    asked.map(async ({ nodeId, workload, isLegacy, fleet }) => {
      if (isLegacy) return idsOn(nodeId, await stopOnLegacyNode(context, nodeId, workload));
      const isForAll = fleet !== undefined && node === undefined;
      const ids = await stopOn(context, workload.name, nodeId, fleet !== undefined && !isForAll);
      return isForAll ? known.filter((each) => each.fleet === fleet).flatMap(instancesOf) : idsOn(nodeId, ids);
    }),
  );
  const instances = outcomes.flatMap((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
  return { name, namespace: context.namespace, instances };
}

type StoppedInstance = StoppedWorkload["instances"][number];

function idsOn(nodeId: string, ids: readonly string[]): StoppedInstance[] {
  return ids.map((id) => ({ id, node_id: nodeId }));
}

function instancesOf({ workload }: KnownWorkload): StoppedInstance[] {
  return workload.instances.map(({ id, node_id }) => ({ id, node_id }));
}

/** @param onlyHere leaves the other nodes of the fleet what they run */
async function stopOn(
  context: ClientContext,
  name: string,
  nodeId: string,
  onlyHere: boolean,
): Promise<readonly string[]> {
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
  const request: UndeployRequest = signRequest(issuer, claims, {
    name,
    target_node: nodeId,
    ...(onlyHere ? { only_here: true } : {}),
  });
  const subject = controlSubjects.undeploy(namespace, nodeId);
  const { instances } = await orderFromNode(context, nodeId, subject, undeployResponseSchema, request);
  return instances;
}
