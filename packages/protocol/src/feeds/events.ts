import { randomUUID } from "node:crypto";
import { z } from "zod";
import { checkMessage, encodeMessage, type MessageLimits, parseJson } from "../control/messages/parse.ts";
import { listOf, MAX_REPLY_ITEMS, messageObject, timestamp } from "../control/messages/shape.ts";

/**
 * Types of the events on `$NEX.events.<namespace>.<type>`. The first ten are 0.2.7's, the rest our additions.
 * Readers take any type.
 */
export const EVENT_TYPES = [
  "node_started",
  "node_stopped",
  "node_entered_lameduck",
  "heartbeat",
  "workload_deployed",
  "workload_undeployed",
  "function_exec_succeeded",
  "function_exec_failed",
  "agent_started",
  "agent_stopped",
  // A revision of a workload
  "workload_started",
  "workload_stopped",
  "workload_crashed",
  "workload_restarting",
  "workload_crash_loop",
  "workload_rolled_back",
  "workload_not_restored",
  // A fleet
  "workload_moved",
  "node_lost",
  // What it runs in
  "runner_replaced",
  "sandbox_failed",
  "link_refused",
  "logs_dropped",
  // Requests that were turned down
  "deploy_refused",
  "stop_refused",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A CloudEvents 1.0 event in its JSON form. */
export interface NexEvent {
  readonly specversion: "1.0";
  /** UUID in ours. */
  readonly id: string;
  /** Public key of the node, for a Go agent's events `<node>-<workload id>`. */
  readonly source: string;
  readonly type: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  /** An extension attribute: the workload's namespace, or `system`. */
  readonly namespace?: string;
  readonly data?: unknown;
}

/** A node's reply to RECENT_EVENTS, oldest first. */
export interface RecentEventsResponse {
  readonly node_id: string;
  readonly events: readonly NexEvent[];
}

export const eventSchema: z.ZodType<NexEvent> = messageObject({
  specversion: z.literal("1.0"),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  time: timestamp.exactOptional(),
  datacontenttype: z.string().exactOptional(),
  namespace: z.string().exactOptional(),
  data: z.unknown().exactOptional(),
});

export const recentEventsResponseSchema: z.ZodType<RecentEventsResponse> = messageObject({
  node_id: z.string(),
  events: listOf(eventSchema, MAX_REPLY_ITEMS),
});

/** A new event of now. `data` must survive JSON. */
export function createEvent(
  type: EventType,
  source: string,
  namespace: string,
  data: Readonly<Record<string, unknown>>,
): NexEvent {
  return {
    specversion: "1.0",
    id: randomUUID(),
    source,
    type,
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    namespace,
    data,
  };
}

/** An event as it is published. */
export function encodeEvent(event: NexEvent): Uint8Array<ArrayBuffer> {
  return encodeMessage(event);
}

/** Reads a published event, ours or 0.2.7's. @throws NexError `invalid_request`, `too_large` */
export function decodeEvent(bytes: Uint8Array, limits: MessageLimits = {}): NexEvent {
  return checkMessage(eventSchema, parseJson(bytes, limits));
}
