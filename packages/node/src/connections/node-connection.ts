import {
  AuthorizationError,
  connect,
  type NatsConnection,
  type NodeConnectionOptions,
  TimeoutError,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import { NexError, tlsFailure } from "@nex/protocol";

/**
 * A daemon goes on trying for as long as it lives. A server that is gone without a word is noticed after three
 * pings; nats.js' two minutes each would leave functions deaf for six. Credentials may be replaced while it runs,
 * so being refused does not end the tries either.
 */
const DAEMON: NodeConnectionOptions = {
  maxReconnectAttempts: -1,
  ignoreAuthErrorAbort: true,
  reconnectTimeWait: 500,
  reconnectJitter: 250,
  reconnectJitterTLS: 250,
  pingInterval: 10_000,
  maxPingOut: 2,
  timeout: 5_000,
  // A stack for every request, in case it fails, costs more than the rest of it.
  noAsyncTraces: true,
};

/**
 * Opens a connection that lasts. The first attempt must succeed; after that it comes back by itself.
 *
 * @param whose Named in errors: `the node`, `namespace "orders"`.
 * @throws NexError `connection_failed`, `authentication_failed`
 */
export async function openNodeConnection(options: NodeConnectionOptions, whose = "the node"): Promise<NatsConnection> {
  try {
    return await connect({ ...DAEMON, ...options });
  } catch (error) {
    throw connectionError(error, options, whose);
  }
}

function connectionError(error: unknown, options: NodeConnectionOptions, whose: string): NexError {
  const servers = serverUrls(options);
  const where = servers.join(", ");
  const message = error instanceof Error ? error.message : String(error);
  if (
    error instanceof AuthorizationError ||
    error instanceof UserAuthenticationExpiredError ||
    /authenticat|authoriz/i.test(message)
  ) {
    return new NexError(
      "authentication_failed",
      `The NATS server at ${where} refuses the credentials of ${whose} (${message}). Check the context or credentials that were given.`,
      { data: { servers }, cause: error },
    );
  }
  const { why, remedy } = tlsFailure(error, options.tls !== undefined && options.tls !== null) ?? {
    why: error instanceof TimeoutError ? `it did not answer within ${options.timeout ?? DAEMON.timeout} ms` : message,
    remedy: "Check the URL, and that the server runs.",
  };
  return new NexError(
    "connection_failed",
    `The NATS server at ${where} cannot be reached for ${whose}: ${why}. ${remedy}`,
    { data: { servers }, cause: error },
  );
}

/** Where nats.js connects to, without any name and password in the URLs. */
export function serverUrls({ servers, port }: NodeConnectionOptions): string[] {
  const named = typeof servers === "string" ? servers.split(",") : (servers ?? [`127.0.0.1:${port ?? 4222}`]);
  return named.map((server) => {
    const [, scheme = "nats://", address = ""] = /^([a-z]+:\/\/)?(?:.*@)?(.*)$/i.exec(server.trim()) ?? [];
    return `${scheme}${address}`;
  });
}
