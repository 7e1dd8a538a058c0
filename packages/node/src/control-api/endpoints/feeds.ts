import type { LogsRequest, LogsResponse, RecentEventsRequest, RecentEventsResponse } from "@nex/protocol";
import type { ControlContext } from "../context.ts";

/** Entries in one reply: together they must fit one NATS message. */
const DEFAULT_LIMIT = 200;
const MAX_REPLY_BYTES = 512 * 1024;

export function recentLogs(context: ControlContext, namespace: string, request: LogsRequest): LogsResponse {
  const records = context.feeds
    .recentLogs(namespace, request.workload)
    .filter((record) => (request.id === undefined || record.id === request.id) && isSince(record.time, request.since));
  return { node_id: context.identity.nodeId, records: newest(records, request.limit) };
}

export function recentEvents(
  context: ControlContext,
  namespace: string,
  request: RecentEventsRequest,
): RecentEventsResponse {
  const events = context.feeds
    .recentEvents(namespace)
    .filter(
      (event) =>
        (request.types === undefined || request.types.includes(event.type)) && isSince(event.time ?? "", request.since),
    );
  return { node_id: context.identity.nodeId, events: newest(events, request.limit) };
}

function isSince(time: string, since: string | undefined): boolean {
  return since === undefined || Date.parse(time) >= Date.parse(since);
}

/** The newest entries that fit, oldest first. */
function newest<T>(entries: readonly T[], limit: number = DEFAULT_LIMIT): T[] {
  const kept: T[] = [];
  let bytes = 0;
  for (const entry of entries.slice(-limit).reverse()) {
    const size = Buffer.byteLength(JSON.stringify(entry));
    // One that is too large must not hide those before it.
    if (bytes + size > MAX_REPLY_BYTES) continue;
    bytes += size;
    kept.unshift(entry);
  }
  return kept;
}
