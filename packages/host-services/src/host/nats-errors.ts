import { JetStreamApiError } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { isNexError, NexError } from "@nex/protocol";

/** Numbers of JetStream's errors, from nats-server's `errors.json`. */
const ApiCode = {
  insufficientResources: 10023,
  jetStreamDisabled: 10076,
  jetStreamOffForAccount: 10039,
  storageExceeded: 10047,
  streamNotFound: 10059,
  tooLarge: 10054,
  wrongLastSequence: 10071,
  storeFailed: 10077,
} as const;

/** What a NATS client threw on behalf of a guest, in terms the guest can act on. */
export function fromNatsError(error: unknown, what: string): NexError {
  if (isNexError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof JetStreamApiError) return fromApiError(error, what);
  if (isNoResponders(error)) {
    return bucketMissing(what, error);
  }
  if (isTimeout(error))
    return new NexError("timeout", `${what}: the NATS server did not answer in time.`, { cause: error });
  if (error instanceof errors.PermissionViolationError) {
    return new NexError("not_allowed", `${what}: the NATS server refuses it to this namespace: ${message}.`, {
      cause: error,
    });
  }
  if (isConnectionError(error))
    return new NexError("connection_failed", `${what}: the NATS connection is closed.`, { cause: error });
  if (error instanceof errors.RequestError && error.cause !== undefined) return fromNatsError(error.cause, what);
  return new NexError("internal", `${what}: ${message}`, { cause: error });
}

export function bucketMissing(what: string, cause: unknown): NexError {
  return new NexError("bucket_missing", `${what}: the bucket is not there any more. The next call makes it anew.`, {
    cause,
  });
}

export function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  // What the JetStream client makes of it; the class is not exported.
  if (error instanceof Error && error.name === "JetStreamNotEnabled") return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}

export function isTimeout(error: unknown): boolean {
  return error instanceof errors.TimeoutError || (error instanceof Error && isCausedByTimeout(error));
}

function isCausedByTimeout({ cause }: Error): boolean {
  return cause instanceof errors.TimeoutError;
}

export function isWrongLastSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === ApiCode.wrongLastSequence;
}

/** True where neither the bucket nor the account has room for more. */
export function isFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && fromApiError(error, "").code === "bucket_full";
}

export function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === ApiCode.streamNotFound;
}

function isConnectionError(error: unknown): boolean {
  return (
    error instanceof errors.ClosedConnectionError ||
    error instanceof errors.DrainingConnectionError ||
    error instanceof errors.ConnectionError
  );
}

function fromApiError(error: JetStreamApiError, what: string): NexError {
  switch (error.code) {
    case ApiCode.streamNotFound:
      return bucketMissing(what, error);
    case ApiCode.jetStreamDisabled:
    case ApiCode.jetStreamOffForAccount:
      return new NexError(
        "jetstream_unavailable",
        `${what}: JetStream is off on the NATS server or for this account.`,
        {
          cause: error,
        },
      );
    case ApiCode.insufficientResources:
    case ApiCode.storageExceeded:
      return new NexError("bucket_full", `${what}: the account's storage is full.`, { cause: error });
    case ApiCode.storeFailed:
      // The server says only that it could not store; a bucket at its limit is by far the commonest cause.
      return new NexError(
        "bucket_full",
        `${what}: the bucket is full (${error.message}). It keeps the size it was made with (max_bytes in the node's host_services).`,
        { cause: error },
      );
    case ApiCode.tooLarge:
      return new NexError("too_large", `${what}: the value is larger than the bucket takes.`, { cause: error });
    default:
      return new NexError("internal", `${what}: ${error.message}`, { cause: error });
  }
}

const away: WeakMap<NatsConnection, { isAway: boolean }> = new WeakMap();

/**
 * Fails a call at once while the server is away: nats.js would take it in, hold it in memory, and let it time out.
 * @throws NexError `connection_failed`
 */
export function checkConnected(connection: NatsConnection): void {
  let state = away.get(connection);
  if (state === undefined) {
    state = { isAway: false };
    away.set(connection, state);
    void watch(connection, state);
  }
  if (!state.isAway && !connection.isClosed()) return;
  throw new NexError("connection_failed", "The node's connection to the NATS server is lost; it comes back by itself.");
}

async function watch(connection: NatsConnection, state: { isAway: boolean }): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === "disconnect") state.isAway = true;
    else if (type === "reconnect") state.isAway = false;
  }
}
