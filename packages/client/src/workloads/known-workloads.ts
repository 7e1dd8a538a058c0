import {
  controlSubjects,
  NexError,
  type WorkloadDetail,
  type WorkloadsRequest,
  type WorkloadsResponse,
  workloadsResponseSchema,
} from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { Nodes } from "../nodes.ts";
import { askNode, type AskOptions, askNodes } from "../requests/control.ts";
import { toArray } from "../requests/to-array.ts";
import { isLegacyNode, legacyWorkloads } from "./legacy-node.ts";

/** A workload as one node sees it. */
export interface KnownWorkload {
  readonly nodeId: string;
  readonly workload: WorkloadDetail;
  /** The nexus whose nodes act as one, where the node belongs to such a fleet. */
  readonly fleet?: string;
  /** On a node of nex 0.2.7. */
  readonly isLegacy?: true;
}

/**
 * What all nodes run in the client's namespace, as they answer; of one name if that is all that is wanted. A node with
 * more than fits one message is asked again for the rest.
 */
export async function* knownWorkloads(
  context: ClientContext,
  { name, ...options }: AskOptions & { readonly name?: string } = {},
): AsyncGenerator<KnownWorkload> {
  const subject = controlSubjects.workloads(context.namespace);
  const request: WorkloadsRequest = name === undefined ? {} : { name };
  const unfinished: { readonly node_id: string; readonly after: string }[] = [];
  for await (const answer of askNodes(context, subject, workloadsResponseSchema, request, options)) {
    yield* knownOf(answer);
    if (answer.next !== undefined) unfinished.push({ node_id: answer.node_id, after: answer.next });
  }
  for (let next = unfinished.shift(); next !== undefined; next = unfinished.shift()) {
    const answer = await askNode(context, subject, workloadsResponseSchema, { ...request, ...next }, options);
    yield* knownOf(answer);
    if (answer.next !== undefined) unfinished.push({ node_id: answer.node_id, after: answer.next });
  }
}

function knownOf({ node_id: nodeId, workloads, fleet }: WorkloadsResponse): KnownWorkload[] {
  return workloads.map((workload) => ({ nodeId, workload, ...(fleet === undefined ? {} : { fleet }) }));
}

/** Who has to be asked for a change to reach all: one node of each fleet, and every node that acts for itself. */
export function oneOfEachFleet(known: readonly KnownWorkload[]): KnownWorkload[] {
  const fleets = new Set<string>();
  return known.filter(({ fleet }) => {
    if (fleet === undefined) return true;
    const isFirst = !fleets.has(fleet);
    fleets.add(fleet);
    return isFirst;
  });
}

/** A workload on the first node that tells of it, without waiting for the others. */
export async function findWorkload(
  context: ClientContext,
  name: string,
  options: AskOptions = {},
): Promise<KnownWorkload | undefined> {
  for await (const known of knownWorkloads(context, { ...options, name }))
    if (known.workload.name === name) return known;
  return undefined;
}

/**
 * A workload on every node that runs it, or on the one that is named, which may be a node of nex 0.2.7.
 * @throws NexError `workload_not_found`, `node_not_found`
 */
export async function locateWorkload(context: ClientContext, name: string, node?: string): Promise<KnownWorkload[]> {
  const known =
    node === undefined ? await toArray(knownWorkloads(context, { name })) : await workloadsOn(context, name, node);
  const found = known.filter(({ workload }) => workload.name === name);
  if (found.length === 0) throw workloadNotFound(context, name);
  return found;
}

async function workloadsOn(context: ClientContext, name: string, nodeId: string): Promise<KnownWorkload[]> {
  const nodes = new Nodes(context);
  if (!isLegacyNode(await nodes.info(nodeId, { machines: false })))
    return (await toArray(knownWorkloads(context, { name }))).filter((known) => known.nodeId === nodeId);
  const info = await nodes.info(nodeId);
  return legacyWorkloads(nodeId, info, context.namespace).map((workload) => ({ nodeId, workload, isLegacy: true }));
}

export function workloadNotFound({ namespace }: ClientContext, name: string): NexError {
  const shown = name.slice(0, 80);
  return new NexError(
    "workload_not_found",
    `No node runs a workload "${shown}" in the namespace "${namespace}". List what runs with "nex ls"; check the namespace.`,
    { data: { namespace, name: shown } },
  );
}
