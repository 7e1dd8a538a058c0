import { createHash } from "node:crypto";
import type { Needs } from "../registry/records.ts";
import { type FleetNode, type NodeOffer, unfit } from "./node-offer.ts";

/** An instance is taken to need this much, where its deploy does not say, bytes. */
const TYPICAL_MEMORY = 64 * 2 ** 20;

export interface Candidates {
  /** Namespace and name of the workload. */
  readonly id: string;
  readonly needs: Needs;
  /** Slots without a holder, lowest first. */
  readonly free: readonly number[];
  /** Nodes and how many of the workload's other slots each holds. */
  readonly held: ReadonlyMap<string, number>;
  /** Nodes where a slot could not start: they come last, and not at all where another is left. */
  readonly tried: (slot: number) => readonly string[];
  /** The node that a client chose. */
  readonly preferred?: string | undefined;
}

/**
 * Who may take each free slot, best first. Every node works this out for itself from what all know, and the first one
 * takes the slot; the others follow, each a little later, should it not. First come those that hold least of the
 * workload, so that replicas spread; among them a weighted rendezvous hash decides, so that each gets its share by the
 * room that it has, and a node that comes or goes moves no slot of others.
 */
export function rankNodes(nodes: Iterable<FleetNode>, candidates: Candidates): Map<number, readonly string[]> {
  const fit = [...nodes].filter((node) => unfit(node, candidates.needs) === undefined);
  const held = new Map(candidates.held);
  const ranks = new Map<number, readonly string[]>();
  for (const slot of candidates.free) {
    const tried = candidates.tried(slot);
    const left = fit.filter(({ id }) => !tried.includes(id));
    const scored = left.map(({ id, offer }) => ({
      id,
      count: held.get(id) ?? 0,
      isPreferred: id === candidates.preferred,
      score: weighted(`${candidates.id}/${slot}/${id}`, room(offer, held.get(id) ?? 0)),
    }));
    scored.sort(
      (a, b) =>
        a.count - b.count ||
        Number(b.isPreferred) - Number(a.isPreferred) ||
        b.score - a.score ||
        (a.id < b.id ? -1 : 1),
    );
    const ranked = scored.map(({ id }) => id);
    ranks.set(slot, ranked);
    const [first] = ranked;
    if (first !== undefined) held.set(first, (held.get(first) ?? 0) + 1);
  }
  return ranks;
}

/** How many more instances a node can take well: what there is least of counts. */
function room({ memoryFree, instances, places = Infinity, cpus }: NodeOffer, planned: number): number {
  const byMemory = memoryFree / TYPICAL_MEMORY;
  const free = Math.max(1, Math.min(byMemory, places) - planned);
  // Idle functions cost no processor, so a full one counts for less than full memory.
  return free / (1 + instances / (cpus * 16));
}

/** Rendezvous hashing with weights: the highest wins, each node with a chance in proportion to its weight. */
function weighted(key: string, weight: number): number {
  const bytes = createHash("sha256").update(key).digest();
  const uniform = (bytes.readUIntBE(0, 6) + 1) / (2 ** 48 + 1);
  return -weight / Math.log(uniform);
}
