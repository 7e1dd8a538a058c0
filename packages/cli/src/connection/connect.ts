import type * as Nats from "@nats-io/transport-node";
import { isNexError, NexError, tlsFailure } from "@nex/protocol";
import { authenticator } from "./authenticators.ts";
import type { ConnectionConfig, Secret } from "./connection-config.ts";
import { EMBEDDED_CONTEXT } from "./connection-config.ts";
import { readSecret } from "./references.ts";

type Transport = typeof Nats;

/**
 * The options of the NATS client that stand for a config. Credentials are functions that read them when needed.
 * @throws NexError `file_not_found`, `authentication_failed` for credentials that cannot be read
 */
export function connectionOptions(config: ConnectionConfig, nats: Transport): Nats.NodeConnectionOptions {
  const prover = authenticator(config.credentials, nats);
  const pem = (secret: Secret | undefined, name: string): string | undefined =>
    secret === undefined ? undefined : readSecret(secret, name);
  const { tls } = config;
  return {
    servers: [...config.servers],
    timeout: config.timeoutMs,
    ...(prover === undefined ? {} : { authenticator: prover }),
    ...(config.inboxPrefix === undefined ? {} : { inboxPrefix: config.inboxPrefix }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            handshakeFirst: tls.handshakeFirst,
            ...defined("cert", pem(tls.cert, "--tlscert")),
            ...defined("key", pem(tls.key, "--tlskey")),
            ...defined("ca", pem(tls.ca, "--tlsca")),
          },
        }),
  };
}

function defined<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: string });
}

/**
 * Connects.
 * @param extra options of the client that the command wants besides, such as `name` or `maxReconnectAttempts`
 * @throws NexError `connection_failed`, `authentication_failed`, `file_not_found`
 */
export async function connectToNats(
  config: ConnectionConfig,
  extra: Nats.NodeConnectionOptions = {},
): Promise<Nats.NatsConnection> {
  // Loaded here: half of the commands never connect.
  const nats = await import("@nats-io/transport-node");
  const options = { ...connectionOptions(config, nats), ...extra };
  try {
    return await (nats.hasWsProtocol(options) ? nats.wsconnect(options) : nats.connect(options));
  } catch (error) {
    throw connectionError(error, config, nats);
  }
}

/** What went wrong with a connection, in words that name the server and never a secret. */
function connectionError(error: unknown, config: ConnectionConfig, nats: Transport): NexError {
  if (isNexError(error)) return error;
  const server = `${config.servers.join(", ")}${config.context === undefined ? "" : ` (context "${config.context}")`}`;
  const data = { servers: config.servers, context: config.context ?? null };
  if (error instanceof nats.AuthorizationError || error instanceof nats.UserAuthenticationExpiredError) {
    const { credentials } = config;
    const what =
      credentials.kind === "none"
        ? "wants credentials, and none were given. Use --creds, --user and --password, or --context"
        : `refuses the credentials from ${credentials.from} (${error.message})`;
    return new NexError("authentication_failed", `The NATS server at ${server} ${what}.`, { cause: error, data });
  }
  const { why, remedy } = tlsFailure(error, config.tls !== undefined) ?? { why: reason(error), remedy: hint(config) };
  return new NexError("connection_failed", `Cannot connect to the NATS server at ${server}: ${why}. ${remedy}`, {
    cause: error,
    data,
  });
}

function hint({ context }: ConnectionConfig): string {
  return context === EMBEDDED_CONTEXT
    ? 'This address was left by "nex up"; start it again, or name a server with --server.'
    : 'Start one with "nex up", or name another with --server or --context.';
}

function reason(error: unknown): string {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  const known: Readonly<Record<string, string>> = {
    ENOTFOUND: "the host name is not known",
    EAI_AGAIN: "the host name cannot be looked up at the moment",
    ECONNREFUSED: "connection refused",
    EHOSTUNREACH: "the host cannot be reached",
    ENETUNREACH: "the network cannot be reached",
    ECONNRESET: "the server closed the connection",
  };
  const text =
    known[String(code)] ??
    (typeof message === "string" && message !== "" ? message : "the server closed the connection");
  return text === "timeout" ? "no answer in time" : text.replace(/\.$/, "");
}
