import {
  controlSubjects,
  type InfoResponse,
  isNexError,
  legacyKind,
  NexError,
  type PingResponse,
  pingResponseSchema,
  type WorkloadKind,
} from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { Nodes } from "../nodes.ts";
import { askNodes } from "../requests/control.ts";
import { toArray } from "../requests/to-array.ts";
import { findWorkload } from "./known-workloads.ts";
import { isLegacyOffer, LEGACY_NEXUS } from "./legacy-node.ts";

/** The node a workload goes to. */
export interface Placement {
  readonly nodeId: string;
  /** `X…` to seal the environment to. */
  readonly xkey: string;
  /** Fleet of the node, for claims. */
  readonly nexus: string;
  /** Of one artifact; `Infinity` where the node does not tell. */
  readonly maxArtifactBytes: number;
}

export interface PlacementOptions {
  readonly name: string;
  readonly kind: WorkloadKind;
  /** Id of the only node that will do. */
  readonly node?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the node for a workload: the one that is named, else the one that runs it already, else of those that
 * offer themselves one with the least to do. Nodes of nex 0.2.7 are passed over unless named: what runs there can
 * be seen and stopped only by naming them again.
 *
 * @throws NexError `node_not_found`, `no_node`, `unsupported_kind`
 */
export async function place(context: ClientContext, options: PlacementOptions): Promise<Placement> {
  const { kind, node, signal } = options;
  const placement = await describe(context, node ?? (await chooseNode(context, options)), { signal });
  if (placement.kinds?.includes(kind) !== false) return placement;
  throw new NexError(
    "unsupported_kind",
    `The node ${placement.nodeId} does not run ${kind} workloads; it runs: ${placement.kinds.join(", ")}. Name another node, or none.`,
    { data: { node_id: placement.nodeId, kind, supported: placement.kinds } },
  );
}

/** What {@link Placement} says of a node known by its id. @throws NexError `node_not_found` */
export async function describe(
  context: ClientContext,
  nodeId: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Placement & { readonly kinds: InfoResponse["kinds"] }> {
  try {
    const {
      public_xkey: xkey,
      nexus = LEGACY_NEXUS,
      max_artifact_bytes: maxArtifactBytes = Infinity,
      kinds,
    } = await new Nodes(context).info(nodeId, { machines: false, signal });
    return { nodeId, xkey, nexus, maxArtifactBytes, kinds };
  } catch (error) {
    if (!isNexError(error) || error.code !== "timeout") throw error;
    throw new NexError("node_not_found", `The node ${nodeId} does not answer. List the nodes with "nex node ls".`, {
      data: { node_id: nodeId },
      cause: error,
    });
  }
}

async function chooseNode(context: ClientContext, { name, kind, signal }: PlacementOptions): Promise<string> {
  const enough = new AbortController();
  const offers = auction(
    context,
    kind,
    signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]),
  );
  // Asked both at once: each takes a quiet time.
  offers.catch(() => undefined);
  try {
    const known = await findWorkload(context, name, { signal });
    if (known !== undefined) return known.nodeId;
    return best(await offers, kind).node_id;
  } finally {
    enough.abort();
  }
}

async function auction(context: ClientContext, kind: WorkloadKind, signal: AbortSignal): Promise<PingResponse[]> {
  // In 0.2.7's words, which Go nodes understand too.
  const wanted = { workload_types: [legacyKind(kind)] };
  return await toArray(askNodes(context, controlSubjects.auction(), pingResponseSchema, wanted, { signal }));
}

function best(offers: readonly PingResponse[], kind: WorkloadKind): PingResponse {
  const ours = offers.filter((offer) => !isLegacyOffer(offer));
  const able = ours.filter((offer) => offer.tags?.["nex.lameduck"] !== "true");
  const least = Math.min(...able.map((offer) => offer.running_machines));
  const idlest = able.filter((offer) => offer.running_machines === least);
  const chosen = idlest[Math.floor(Math.random() * idlest.length)];
  if (chosen !== undefined) return chosen;
  const legacy = offers.length - ours.length;
  const why =
    ours.length > 0
      ? `All nodes that run ${kind} workloads are in lame duck mode (${ours.length})`
      : legacy > 0
        ? `Only nodes of nex 0.2.7 answered (${legacy}), which are used when named (--node)`
        : `No node that runs ${kind} workloads answered`;
  throw new NexError("no_node", `${why}. Start one with "nex up"; see those there are with "nex node ls".`, {
    data: { kind, lame_ducks: ours.length, legacy_nodes: legacy },
  });
}
