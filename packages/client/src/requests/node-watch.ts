import { setTimeout as sleep } from "node:timers/promises";
import { controlSubjects, isNexError, NexError } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { request } from "./exchange.ts";

/** Between looks at a node that was there, ms. */
const LOOK_MS = 1000;
/** Between looks at one that seems to be gone, ms. A node that has lost its connection is back within 750. */
const LOOK_AGAIN_MS = 400;
/** Looks in vain, one after the other, until a node counts as gone. */
const LOOKS_IN_VAIN = 3;

/**
 * Does work that waits for one node, for as long as that node is there. A node that dies takes its subscriptions with
 * it, and the server then says so to whoever pings it; without this its caller would wait until time is up.
 *
 * @throws NexError `no_node` within 2 s of the node's end; what `work` throws
 */
export async function whileNodeIsThere<T>(
  context: ClientContext,
  nodeId: string,
  work: (gone: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const working = work(ended.signal);
  working.catch(() => undefined);
  try {
    const gone = watch(context, nodeId, ended.signal);
    return await Promise.race([working, gone]);
  } finally {
    ended.abort();
  }
}

/** Rejects when the node is gone; ends with `signal` and then never settles. */
async function watch(context: ClientContext, nodeId: string, signal: AbortSignal): Promise<never> {
  for (let inVain = 0; ;) {
    await sleep(inVain === 0 ? LOOK_MS : LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return await new Promise<never>(() => undefined);
    const answers = await isThere(context, nodeId, signal);
    inVain = answers ? 0 : inVain + 1;
    if (inVain < LOOKS_IN_VAIN) continue;
    throw new NexError(
      "no_node",
      `The node ${nodeId} is gone: it has ended, or lost its connection, while this request waited for it. Whether it was done is not known; look with "nex ls".`,
      { data: { node_id: nodeId } },
    );
  }
}

/** False only if the server says that nobody listens: a node that is busy, or whose ping is not allowed, is there. */
async function isThere(context: ClientContext, nodeId: string, signal: AbortSignal): Promise<boolean> {
  try {
    await request(context.connection, controlSubjects.ping(nodeId), "", { timeoutMs: LOOK_MS, signals: [signal] });
    return true;
  } catch (error) {
    return !isNexError(error) || error.code !== "no_node";
  }
}
