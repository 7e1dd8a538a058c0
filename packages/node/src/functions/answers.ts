import { NexError, serviceErrorBody, serviceErrorHeaders } from "@nex/protocol";
import { headers as newHeaders, type NatsConnection } from "@nats-io/transport-node";

/** Tells a caller, if it asked for an answer, that its invocation failed: the NATS service error headers and a JSON body. */
export function answerError(
  connection: NatsConnection,
  reply: string | undefined,
  error: NexError,
  invocationId: string,
): void {
  if (reply === undefined || reply === "") return;
  const headers = newHeaders();
  for (const [name, value] of Object.entries(serviceErrorHeaders(error))) headers.set(name, value);
  try {
    connection.publish(reply, serviceErrorBody(error, invocationId), { headers });
  } catch {
    // The connection has closed under us: there is nobody to tell.
  }
}

/** What a caller is told, in its own terms rather than the link's. */
export function forCaller(error: NexError, deadlineMs: number): NexError {
  switch (error.code) {
    case "deadline_exceeded":
      return new NexError("deadline_exceeded", `The function did not answer within its deadline of ${deadlineMs} ms.`);
    case "link_closed":
    case "link_protocol":
      return new NexError(
        "interrupted",
        "The process that ran the function ended before it had answered. It may have done some of its work.",
      );
    default:
      return error;
  }
}
