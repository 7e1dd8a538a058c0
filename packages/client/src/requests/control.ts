import { encodeMessage, type NexError, readReply, toNexError } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { collect, request } from "./exchange.ts";
import { whileNodeIsThere } from "./node-watch.ts";

/** What the schemas of the protocol are here: something that {@link readReply} takes. */
type ReplySchema<T> = Parameters<typeof readReply<T>>[0];

/** Nodes of nex 0.2.7 answer as quickly as ours, or not much later, ms. */
export const FOR_UNKNOWN_MS = 50;

/** After the first answer to a broadcast: how long the next one may take before that was everybody, ms. */
const QUIET_MS = 250;

/** Whoever has answered, and all that it knows to be there. */
export interface Answerer {
  readonly node_id: string;
  readonly nodes?: readonly string[];
}

export interface AskOptions {
  /** Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AskNodesOptions extends AskOptions {
  /** Once everybody has answered that is known: how long to wait for nodes of nex 0.2.7, which nobody knows, ms. Default 0. */
  readonly forUnknownMs?: number;
}

/**
 * Asks one node.
 * @throws NexError the node's refusal, or as `request` does
 */
export async function askNode<T>(
  context: ClientContext,
  subject: string,
  schema: ReplySchema<T>,
  body?: unknown,
  options: AskOptions = {},
): Promise<T> {
  const { data } = await request(context.connection, subject, encode(body), exchangeOptions(context, options));
  return readReply(schema, data);
}

/**
 * Has one node change something, which may take long.
 * @throws NexError `no_node` soon after the node is gone; the node's refusal, or as `request` does
 */
export async function orderFromNode<T>(
  context: ClientContext,
  nodeId: string,
  subject: string,
  schema: ReplySchema<T>,
  body: unknown,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<T> {
  return await whileNodeIsThere(context, nodeId, async (gone) => {
    const either = signal === undefined ? gone : AbortSignal.any([gone, signal]);
    return await askNode(context, subject, schema, body, { timeoutMs: context.deployTimeoutMs, signal: either });
  });
}

/**
 * Asks all nodes and yields their answers as they come; nothing if there is no node. It is over once everybody has
 * answered of whom the answers tell, or when it has been quiet for a while. An answer that is a
 * refusal or cannot be read is thrown in the end, if no node gave a better one.
 * @throws NexError
 */
export async function* askNodes<T extends Answerer>(
  context: ClientContext,
  subject: string,
  schema: ReplySchema<T>,
  body?: unknown,
  { forUnknownMs = 0, ...options }: AskNodesOptions = {},
): AsyncGenerator<T> {
  let refusal: NexError | undefined;
  const answered = new Set<string>();
  const known = new Set<string>();
  const enough = new AbortController();
  let waiting: NodeJS.Timeout | undefined;
  try {
    const replies = collect(context.connection, subject, encode(body), {
      ...exchangeOptions(context, options),
      quietMs: QUIET_MS,
      enough: enough.signal,
    });
    for await (const reply of replies) {
      let answer: T;
      try {
        answer = readReply(schema, reply.data);
      } catch (error) {
        refusal ??= toNexError(error);
        continue;
      }
      answered.add(answer.node_id);
      for (const id of answer.nodes ?? []) known.add(id);
      yield answer;
      // A node that has just started knows nobody yet, and says so by telling of none.
      const isComplete = answer.nodes !== undefined && known.isSubsetOf(answered);
      if (isComplete && forUnknownMs === 0) return;
      if (isComplete) waiting ??= setTimeout(() => enough.abort(), forUnknownMs);
    }
  } catch (error) {
    const failure = toNexError(error);
    if (failure.code !== "no_node") throw failure;
  } finally {
    clearTimeout(waiting);
  }
  if (answered.size === 0 && refusal !== undefined) throw refusal;
}

function encode(body: unknown): Uint8Array {
  return body === undefined ? new Uint8Array() : encodeMessage(body);
}

function exchangeOptions(
  context: ClientContext,
  { timeoutMs = context.timeoutMs, signal }: AskOptions,
): { readonly timeoutMs: number; readonly signals: readonly AbortSignal[] } {
  return { timeoutMs, signals: signal === undefined ? [context.closed] : [context.closed, signal] };
}
