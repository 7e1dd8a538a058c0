import { encodeMessage, type NexError, readReply, toNexError } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { collect, request } from "./exchange.ts";
import { whileNodeIsThere } from "./node-watch.ts";

/** What the schemas of the protocol are here: something that {@link readReply} takes. */
type ReplySchema<T> = Parameters<typeof readReply<T>>[0];

/** After the first answer to a broadcast: how long the next one may take before that was everybody, ms. */
const QUIET_MS = 250;

export interface AskOptions {
  /** Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
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
 * Asks all nodes and yields their answers as they come; nothing if there is no node. An answer that is a
 * refusal or cannot be read is thrown in the end, if no node gave a better one.
 * @throws NexError
 */
export async function* askNodes<T>(
  context: ClientContext,
  subject: string,
  schema: ReplySchema<T>,
  body?: unknown,
  options: AskOptions = {},
): AsyncGenerator<T> {
  let refusal: NexError | undefined;
  let answered = false;
  try {
    const replies = collect(context.connection, subject, encode(body), {
      ...exchangeOptions(context, options),
      quietMs: QUIET_MS,
    });
    for await (const reply of replies) {
      let answer: T;
      try {
        answer = readReply(schema, reply.data);
      } catch (error) {
        refusal ??= toNexError(error);
        continue;
      }
      answered = true;
      yield answer;
    }
  } catch (error) {
    const failure = toNexError(error);
    if (failure.code !== "no_node") throw failure;
  }
  if (!answered && refusal !== undefined) throw refusal;
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
