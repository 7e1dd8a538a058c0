import {
  controlSubjects,
  type InfoResponse,
  isNexError,
  NexError,
  type PingResponse,
  pingResponseSchema,
  type WorkloadKind,
} from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { Nodes } from "../nodes.ts";
import { askNodes, FOR_UNKNOWN_MS } from "../requests/control.ts";
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
  /** Tags that the node must have. */
  readonly nodeTags?: Readonly<Record<string, string>> | undefined;
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

async function chooseNode(
  context: ClientContext,
  { name, kind, nodeTags = {}, signal }: PlacementOptions,
): Promise<string> {
  const enough = new AbortController();
  const either = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const offers = toArray(
    askNodes(context, controlSubjects.ping(), pingResponseSchema, undefined, {
      signal: either,
      forUnknownMs: FOR_UNKNOWN_MS,
    }),
  );
  offers.catch(() => undefined);
  try {
    const known = await findWorkload(context, name, { signal });
    if (known !== undefined) return known.nodeId;
    return best(await offers, kind, nodeTags).node_id;
  } finally {
    enough.abort();
  }
}

function best(
  offers: readonly PingResponse[],
  kind: WorkloadKind,
  nodeTags: Readonly<Record<string, string>>,
): PingResponse {
  const ours = offers.filter((offer) => !isLegacyOffer(offer));
  const able = ours.filter((offer) => offer.tags?.["nex.lameduck"] !== "true");
  const fit = able.filter((offer) => hasTags(offer, nodeTags));
  const least = Math.min(...fit.map((offer) => offer.running_machines));
  const idlest = fit.filter((offer) => offer.running_machines === least);
  const chosen = idlest[Math.floor(Math.random() * idlest.length)];
  if (chosen !== undefined) return chosen;
  const legacy = offers.length - ours.length;
  const wanted = Object.entries(nodeTags).map(([tag, value]) => `${tag}=${value}`);
  const why =
    able.length > 0
      ? `None of the ${able.length} nodes has the tags ${wanted.join(", ")}`
      : ours.length > 0
        ? `All nodes are in lame duck mode (${ours.length})`
        : legacy > 0
          ? `Only nodes of nex 0.2.7 answered (${legacy}), which are used when named (--node)`
          : "No node answered";
  throw new NexError("no_node", `${why}. Start one with "nex up"; see those there are with "nex node ls".`, {
    data: { kind, lame_ducks: ours.length - able.length, legacy_nodes: legacy },
  });
}

/** Values match whatever their case, as in auctions. */
function hasTags({ tags = {} }: PingResponse, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(
    ([tag, value]) => Object.hasOwn(tags, tag) && tags[tag]?.toLowerCase() === value.toLowerCase(),
  );
}
