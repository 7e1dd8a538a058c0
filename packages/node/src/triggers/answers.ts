import { isReserved, type NexError, serviceErrorBody, serviceErrorHeaders } from "@nex/protocol";
import { headers as newHeaders, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { HeaderList } from "@nex/link";

/** Headers that speak for the NATS server or for the node; a function may not set them. */
const RESERVED_HEADER = /^nats-/i;

/**
 * True if a function's reply may go to this subject. Subjects that begin with `$` belong to the NATS server
 * and to JetStream: a caller who names one would write, with this node's rights, where its own do not reach.
 */
export function mayReplyTo(subject: string): boolean {
  return !subject.startsWith("$");
}

/** True if a message was meant for a trigger whose first token is a wildcard. */
export function isForLeadingWildcard(subject: string): boolean {
  return !isReserved(subject);
}

/** Headers of a message as the link carries them; `undefined` if it has none. */
export function readHeaders(message: Msg): HeaderList | undefined {
  const { headers } = message;
  if (headers === undefined) return undefined;
  const list: [string, string][] = [];
  for (const [name, values] of headers) for (const value of values) list.push([name, value]);
  return list;
}

/** A guest's headers for NATS. Names and values it may not send are left out. */
export function writeHeaders(list: HeaderList): MsgHdrs | undefined {
  if (list.length === 0) return undefined;
  const headers = newHeaders();
  for (const [name, value] of list) {
    if (RESERVED_HEADER.test(name)) continue;
    try {
      headers.append(name, value);
    } catch {
      // Not a header NATS can carry. The runner checks this for honest guests and tells them.
    }
  }
  return headers;
}

/** Tells a caller that its invocation failed: the NATS service error headers and a JSON body. */
export function answerError(connection: NatsConnection, reply: string, error: NexError, invocationId: string): void {
  const headers = newHeaders();
  for (const [name, value] of Object.entries(serviceErrorHeaders(error))) headers.set(name, value);
  connection.publish(reply, serviceErrorBody(error, invocationId), { headers });
}
