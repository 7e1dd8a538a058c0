import { z } from "zod";
import { type MessageLimits, parseMessage } from "./parse.ts";
import { listOf, MAX_ITEMS, messageObject, stringMap, timestamp } from "./shape.ts";

/** Body of `$NEX.AUCTION`: which nodes should answer. Every field left out admits every node. */
export interface AuctionRequest {
  /** In Go's words: `amd64`, `arm64`. */
  readonly arch?: string;
  /** In Go's words: `linux`, `darwin`, `windows`. */
  readonly os?: string;
  readonly sandboxed?: boolean;
  /** All must be present; values match whatever their case. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Workload types, ours or 0.2.7's. */
  readonly workload_types?: readonly string[];
}

/** Body of `$NEX.WORKLOADS` (ours). A node answers with as many as fit one message. */
export interface WorkloadsRequest {
  /** Only the workload with this name. */
  readonly name?: string;
  /** Only this node answers: for what is left after its first answer. */
  readonly node_id?: string;
  /** Only names after this one, as `next` of the answer before had it. */
  readonly after?: string;
}

/** Body of `$NEX.INFO`, where 0.2.7's clients send none. */
export interface InfoRequest {
  /** False: without the list of what runs there. Default true. */
  readonly machines?: boolean;
}

/** Body of `$NEX.LOGS` (ours): recent records of the node's ring. */
export interface LogsRequest {
  /** Name of a workload. */
  readonly workload?: string;
  /** Instance id. */
  readonly id?: string;
  /** The newest so many. Default: the node's. */
  readonly limit?: number;
  /** RFC 3339; records before are left out. */
  readonly since?: string;
}

/** Body of `$NEX.RECENT_EVENTS` (ours). */
export interface RecentEventsRequest {
  readonly types?: readonly string[];
  readonly limit?: number;
  readonly since?: string;
}

export const auctionRequestSchema: z.ZodType<AuctionRequest> = messageObject({
  arch: z.string().exactOptional(),
  os: z.string().exactOptional(),
  sandboxed: z.boolean().exactOptional(),
  tags: stringMap(MAX_ITEMS).exactOptional(),
  workload_types: listOf(z.string(), MAX_ITEMS).exactOptional(),
});

export const workloadsRequestSchema: z.ZodType<WorkloadsRequest> = messageObject({
  name: z.string().exactOptional(),
  node_id: z.string().exactOptional(),
  after: z.string().exactOptional(),
});

export const infoRequestSchema: z.ZodType<InfoRequest> = messageObject({ machines: z.boolean().exactOptional() });

const limit = z.int().positive().max(10_000).exactOptional();

export const logsRequestSchema: z.ZodType<LogsRequest> = messageObject({
  workload: z.string().exactOptional(),
  id: z.string().exactOptional(),
  limit,
  since: timestamp.exactOptional(),
});

export const recentEventsRequestSchema: z.ZodType<RecentEventsRequest> = messageObject({
  types: listOf(z.string(), MAX_ITEMS).exactOptional(),
  limit,
  since: timestamp.exactOptional(),
});

/**
 * Reads the body of a question, where an empty body asks for everything. Unlike 0.2.7, which takes a body it
 * cannot read as no filter at all, this refuses one.
 *
 * @throws NexError as `parseMessage` does
 */
export function parseQuery<T>(schema: z.ZodType<T>, bytes: Uint8Array, limits: MessageLimits = {}): T {
  return parseMessage(schema, bytes.length === 0 ? EMPTY_OBJECT : bytes, limits);
}

const EMPTY_OBJECT = new TextEncoder().encode("{}");
