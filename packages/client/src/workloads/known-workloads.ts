import { controlSubjects, NexError, type WorkloadDetail, workloadsResponseSchema } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { Nodes } from "../nodes.ts";
import { type AskOptions, askNodes } from "../requests/control.ts";
import { toArray } from "../requests/to-array.ts";
import { isLegacyNode, legacyWorkloads } from "./legacy-node.ts";

/** A workload as one node sees it. */
export interface KnownWorkload {
  readonly nodeId: string;
  readonly workload: WorkloadDetail;
  /** On a node of nex 0.2.7. */
  readonly isLegacy?: true;
}

/** What all nodes run in the client's namespace, as they answer. */
export async function* knownWorkloads(context: ClientContext, options: AskOptions = {}): AsyncGenerator<KnownWorkload> {
  const subject = controlSubjects.workloads(context.namespace);
  for await (const { node_id, workloads } of askNodes(context, subject, workloadsResponseSchema, undefined, options)) {
    for (const workload of workloads) yield { nodeId: node_id, workload };
  }
}

/** A workload on the first node that tells of it, without waiting for the others. */
export async function findWorkload(
  context: ClientContext,
  name: string,
  options: AskOptions = {},
): Promise<KnownWorkload | undefined> {
  for await (const known of knownWorkloads(context, options)) if (known.workload.name === name) return known;
  return undefined;
}

/**
 * A workload on every node that runs it, or on the one that is named, which may be a node of nex 0.2.7.
 * @throws NexError `workload_not_found`, `node_not_found`
 */
export async function locateWorkload(context: ClientContext, name: string, node?: string): Promise<KnownWorkload[]> {
  const known = node === undefined ? await toArray(knownWorkloads(context)) : await workloadsOn(context, node);
  const found = known.filter(({ workload }) => workload.name === name);
  if (found.length === 0) throw workloadNotFound(context, name);
  return found;
}

async function workloadsOn(context: ClientContext, nodeId: string): Promise<KnownWorkload[]> {
  const info = await new Nodes(context).info(nodeId);
  if (!isLegacyNode(info)) return (await toArray(knownWorkloads(context))).filter((known) => known.nodeId === nodeId);
  return legacyWorkloads(nodeId, info, context.namespace).map((workload) => ({ nodeId, workload, isLegacy: true }));
}

export function workloadNotFound({ namespace }: ClientContext, name: string): NexError {
  const shown = name.slice(0, 80);
  return new NexError(
    "workload_not_found",
    `No node runs a workload "${shown}" in the namespace "${namespace}". List what runs with "nex ls"; check the namespace. What runs on a node of nex 0.2.7 is found when the node is named (--node).`,
    { data: { namespace, name: shown } },
  );
}
