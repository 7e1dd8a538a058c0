import { isNexError, NexError } from "@nex/protocol";

/** JetStream's codes for a limit of the account, of the server's storage, or of the stream that was reached. */
const FULL = new Set([10_002, 10_023, 10_028, 10_047, 10_077]);

/**
 * What a failure of the NATS client means to whoever asked.
 *
 * Told apart by name: a connection that was handed to us may come from another copy of the library.
 *
 * @param subject what was asked, published or subscribed to
 */
export function natsError(thrown: unknown, subject: string): NexError {
  if (isNexError(thrown)) return thrown;
  const errors = chain(thrown);
  const named = (name: string): NamedError | undefined => errors.find((error) => error.name === name);
  const options = { cause: thrown, data: { subject } };

  const denied = named("PermissionViolationError");
  if (denied !== undefined) {
    const verb = denied.operation === "subscription" ? "subscribe" : "publish";
    const where = denied.subject ?? subject;
    return new NexError(
      "not_allowed",
      `The NATS server does not let these credentials ${verb} to "${where}". Use credentials that may.`,
      { cause: thrown, data: { subject: where, operation: verb } },
    );
  }
  if (named("JetStreamNotEnabled") !== undefined) {
    return new NexError(
      "jetstream_unavailable",
      "JetStream is off on this NATS server or for this account, and Nex keeps artifacts there. Start nats-server with -js, or enable it for the account.",
      options,
    );
  }
  const api = named("JetStreamApiError");
  if (api !== undefined && FULL.has(api.code ?? 0)) {
    return new NexError(
      "artifact_quota",
      `The artifact store is full: ${api.message}. Stop workloads that are no longer needed, or raise artifacts.max_bytes or the account's storage limit.`,
      options,
    );
  }
  if (named("NoResponders") !== undefined) {
    return new NexError("no_node", `Nobody listens on "${subject}". Start a node with "nex up".`, options);
  }
  if (named("TimeoutError") !== undefined) return noAnswer(subject, undefined, thrown);
  if (named("AuthorizationError") !== undefined || named("UserAuthenticationExpiredError") !== undefined) {
    return new NexError(
      "authentication_failed",
      `The NATS server refuses the credentials: ${textOf(thrown)}.`,
      options,
    );
  }
  if (errors.some((error) => LOST.has(error.name) || error.message === "connection closed")) {
    return new NexError("connection_failed", "The connection to the NATS server is closed. Connect again.", options);
  }
  if (named("InvalidArgumentError") !== undefined && textOf(thrown).includes("max_payload")) {
    return new NexError(
      "too_large",
      `The message to "${subject}" is larger than the NATS server accepts (max_payload).`,
      options,
    );
  }
  return new NexError("internal", `The NATS client failed at "${subject}": ${textOf(thrown)}.`, options);
}

/** @param milliseconds left out where the NATS client chose the time itself */
export function noAnswer(subject: string, milliseconds?: number, cause?: unknown): NexError {
  const time = milliseconds === undefined ? "in time" : `within ${milliseconds} ms`;
  return new NexError(
    "timeout",
    `No answer on "${subject}" ${time}. Check that a node runs and is reachable, or allow more time.`,
    { data: { subject, ...(milliseconds === undefined ? {} : { timeout_ms: milliseconds }) }, cause },
  );
}

const LOST = new Set(["ClosedConnectionError", "DrainingConnectionError", "ConnectionError"]);

interface NamedError extends Error {
  readonly operation?: string;
  readonly subject?: string;
  readonly code?: number;
}

/** The error and what caused it, outermost first. */
function chain(thrown: unknown): NamedError[] {
  const errors: NamedError[] = [];
  for (let error = thrown; error instanceof Error && errors.length < 8; error = error.cause) errors.push(error);
  return errors;
}

function textOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).replace(/\.$/, "");
}
