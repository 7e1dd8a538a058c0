import type { NatsConnection, NatsConnectionImpl } from "@nats-io/transport-node";

/** What a connection still waits for. The library shares one subscription among all requests, which does not count. */
export function openOn(connection: NatsConnection): { readonly requests: number; readonly subscriptions: number } {
  const { protocol } = connection as NatsConnectionImpl;
  const shared = protocol.subscriptions.getMux() === null ? 0 : 1;
  return { requests: protocol.muxSubscriptions.size(), subscriptions: protocol.subscriptions.size() - shared };
}

/** Timers of this process that keep it alive. */
export function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
