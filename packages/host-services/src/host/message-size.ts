import type { Msg } from "@nats-io/transport-node";

/** Bytes of subject, reply subject, headers and payload. The type does not say so, but every message of nats.js knows it. */
export function sizeOf(message: Msg): number {
  return (message as Msg & { size(): number }).size();
}
