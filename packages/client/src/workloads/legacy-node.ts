import {
  controlSubjects,
  type InfoResponse,
  type MachineSummary,
  parseKind,
  type PingResponse,
  signRequest,
  type StopRequest,
  stopResponseSchema,
  type WorkloadDetail,
} from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { orderFromNode } from "../requests/control.ts";
import { CLAIMS_LIFETIME_MS } from "./claims.ts";

/** A node of nex 0.2.7 belongs to this nexus as far as claims go; it does not look at it. */
export const LEGACY_NEXUS = "nexus";

/** All nodes of ours have this tag, which those of nex 0.2.7 do not set. */
export function isLegacyOffer({ tags }: Pick<PingResponse, "tags">): boolean {
  return tags?.["nex.sandbox"] === undefined;
}

/** Nodes of nex 0.2.7 have no kinds of their own beside the words of their wire. */
export function isLegacyNode({ kinds }: Pick<InfoResponse, "kinds">): boolean {
  return kinds === undefined;
}

/** What a node of nex 0.2.7 runs, in our words. It tells neither triggers nor counts nor revisions. */
export function legacyWorkloads(nodeId: string, { machines }: InfoResponse, namespace: string): WorkloadDetail[] {
  const byName = Map.groupBy(machines, ({ workload }) => workload.name);
  return [...byName].map(([name, instances]) => legacyDetail(nodeId, namespace, name, instances));
}

function legacyDetail(
  nodeId: string,
  namespace: string,
  name: string,
  machines: readonly MachineSummary[],
): WorkloadDetail {
  const { type = "native", description = "" } = machines[0]?.workload ?? {};
  return {
    name,
    namespace,
    kind: parseKind(type) ?? "elf",
    revision: 1,
    state: "running",
    description,
    instances: machines.map(({ id, uptime }) => ({
      id,
      node_id: nodeId,
      state: "running",
      uptime_ms: uptimeMs(uptime),
    })),
    triggers: [],
    restarts: 0,
    invocations: { ok: 0, failed: 0, in_flight: 0 },
    revisions: [],
    deadline_ms: 0,
    max_in_flight: 0,
    tags: {},
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  y: 31_536_000_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
};

/** Of `2d1h0m0s`; 0 for what is written otherwise. */
function uptimeMs(text: string): number {
  let total = 0;
  for (const [, amount, unit = ""] of text.matchAll(/(\d+)([ydhms])/g)) total += Number(amount) * (UNITS_MS[unit] ?? 0);
  return total;
}

/** Stops the instances of a workload one after the other, as that release has it. @throws NexError the node's refusal */
export async function stopOnLegacyNode(
  context: ClientContext,
  nodeId: string,
  { name, instances }: WorkloadDetail,
): Promise<string[]> {
  const issuer = await context.issuer();
  const { namespace } = context;
  for (const { id } of instances) {
    const claims = {
      name,
      action: "stop",
      namespace,
      nexus: LEGACY_NEXUS,
      node: nodeId,
      expiresAt: Date.now() + CLAIMS_LIFETIME_MS,
    } as const;
    const request: StopRequest = signRequest(issuer, claims, { workload_id: id, target_node: nodeId });
    await orderFromNode(context, nodeId, controlSubjects.stop(namespace, nodeId), stopResponseSchema, request);
  }
  return instances.map(({ id }) => id);
}
