import type { WorkloadKind } from "@nex/protocol";
import type { Needs } from "../registry/records.ts";

/** What a node has for workloads, as it tells the others. */
export interface NodeOffer {
  readonly kinds: readonly WorkloadKind[];
  /** Its own and those from its config. */
  readonly tags: Readonly<Record<string, string>>;
  readonly cpus: number;
  /** Bytes. */
  readonly memoryFree: number;
  /** Instances that run there. */
  readonly instances: number;
  /** Instances it still takes; absent where it has no limit. */
  readonly places?: number;
  /** It gives away what it runs, and takes nothing. */
  readonly isLameDuck: boolean;
}

/** A node that is there. */
export interface FleetNode {
  readonly id: string;
  readonly offer: NodeOffer;
}

/** Why a node is not one that may run a workload, full or not; `undefined` if it is. */
export function mismatch({ id, offer }: FleetNode, needs: Needs): string | undefined {
  if (needs.node !== undefined && needs.node !== id) return `is not the node ${needs.node}`;
  if (!offer.kinds.includes(needs.kind)) return `does not run ${needs.kind} workloads`;
  for (const [tag, wanted] of Object.entries(needs.tags ?? {})) {
    const has = Object.hasOwn(offer.tags, tag) ? offer.tags[tag] : undefined;
    if (has?.toLowerCase() !== wanted.toLowerCase())
      return has === undefined ? `has no tag ${tag}` : `has the tag ${tag}=${has}, not ${wanted}`;
  }
  return undefined;
}

/** Why a node cannot take a slot now; `undefined` if it can. */
export function unfit(node: FleetNode, needs: Needs): string | undefined {
  const { isLameDuck, places, memoryFree } = node.offer;
  const never = mismatch(node, needs);
  if (never !== undefined) return never;
  if (isLameDuck) return "is in lame duck mode";
  if (places !== undefined && places <= 0) return "is full (max_instances)";
  if (needs.memoryBytes !== undefined && needs.memoryBytes > memoryFree) return "has not enough free memory";
  return undefined;
}
