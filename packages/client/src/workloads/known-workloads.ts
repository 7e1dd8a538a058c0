import { controlSubjects, NexError, type WorkloadDetail, workloadsResponseSchema } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { type AskOptions, askNodes } from "../requests/control.ts";

/** A workload as one node sees it. */
export interface KnownWorkload {
  readonly nodeId: string;
  readonly workload: WorkloadDetail;
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

/** A workload on every node that runs it. @throws NexError `workload_not_found` */
export async function locateWorkload(context: ClientContext, name: string): Promise<KnownWorkload[]> {
  const found: KnownWorkload[] = [];
  for await (const known of knownWorkloads(context)) if (known.workload.name === name) found.push(known);
  if (found.length === 0) throw workloadNotFound(context, name);
  return found;
}

export function workloadNotFound({ namespace }: ClientContext, name: string): NexError {
  const shown = name.slice(0, 80);
  return new NexError(
    "workload_not_found",
    `No node runs a workload "${shown}" in the namespace "${namespace}". List what runs with "nex ls"; check the namespace.`,
    { data: { namespace, name: shown } },
  );
}
