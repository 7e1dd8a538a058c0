import { type NexError, serviceErrorBody, serviceErrorHeaders } from "@nex/protocol";
import { headers as newHeaders, type NatsConnection } from "@nats-io/transport-node";

/**
 * True if a function's reply may go to this subject. Subjects that begin with `$` belong to the NATS server
 * and to JetStream: a caller who names one would write, with this node's rights, where its own do not reach.
 */
export function mayReplyTo(subject: string): boolean {
  return !subject.startsWith("$");
}

/** Tells a caller that its invocation failed: the NATS service error headers and a JSON body. */
export function answerError(connection: NatsConnection, reply: string, error: NexError, invocationId: string): void {
  const headers = newHeaders();
  for (const [name, value] of Object.entries(serviceErrorHeaders(error))) headers.set(name, value);
  connection.publish(reply, serviceErrorBody(error, invocationId), { headers });
}
