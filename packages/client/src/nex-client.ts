import { setMaxListeners } from "node:events";
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import { NexError, type SigningKey, tlsFailure } from "@nex/protocol";
import type { ClientContext } from "./client-context.ts";
import { completeOptions, type NexClientOptions } from "./client-options.ts";
import { Events } from "./feeds/events.ts";
import { Logs } from "./feeds/logs.ts";
import { defaultIssuerPath } from "./issuer/default-path.ts";
import { loadOrCreateIssuer } from "./issuer/load-issuer.ts";
import { Nodes } from "./nodes.ts";
import { Workloads } from "./workloads/workloads.ts";

/** Controls a Nex system in one namespace. */
export class NexClient implements AsyncDisposable {
  readonly nodes: Nodes;
  readonly workloads: Workloads;
  readonly logs: Logs;
  readonly events: Events;
  readonly #closed: AbortController;
  readonly #ownConnection: NatsConnection | undefined;

  private constructor(context: ClientContext, closed: AbortController, ownConnection: NatsConnection | undefined) {
    this.nodes = new Nodes(context);
    this.workloads = new Workloads(context);
    this.logs = new Logs(context);
    this.events = new Events(context);
    this.#closed = closed;
    this.#ownConnection = ownConnection;
  }

  /** @throws NexError `connection_failed`, `authentication_failed`, `invalid_request`, `invalid_name` */
  static async connect(options: NexClientOptions = {}): Promise<NexClient> {
    const complete = completeOptions(options);
    const { namespace, timeoutMs, deployTimeoutMs } = complete;
    const own = complete.connection === undefined ? await openConnection(complete.connectOptions) : undefined;
    const closed = new AbortController();
    // One listener for each request under way: many are no leak.
    setMaxListeners(0, closed.signal);
    const context: ClientContext = {
      connection: (complete.connection ?? own)!,
      namespace,
      timeoutMs,
      deployTimeoutMs,
      closed: closed.signal,
      issuer: issuerSource(complete.issuer),
    };
    return new NexClient(context, closed, own);
  }

  /** Cancels what is under way, ends all feeds, and closes the connection unless it was given. */
  async close(): Promise<void> {
    this.#closed.abort(new NexError("cancelled", "The client was closed."));
    await this.#ownConnection?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Read when first needed: those who only look have no key and need none. */
function issuerSource(given: SigningKey | undefined): () => Promise<SigningKey> {
  let issuer = given === undefined ? undefined : Promise.resolve(given);
  return async () => {
    issuer ??= loadOrCreateIssuer(defaultIssuerPath(process.env));
    try {
      return await issuer;
    } catch (error) {
      issuer = undefined;
      throw error;
    }
  };
}

async function openConnection(options: NodeConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect({ name: "nex-client", ...options });
  } catch (cause) {
    const servers = [options.servers ?? "nats://127.0.0.1:4222"].flat().map(withoutSecrets);
    const data = { servers };
    const where = servers.join(", ");
    if (cause instanceof Error && /^(?:Authorization|UserAuthenticationExpired)Error$/.test(cause.name)) {
      throw new NexError(
        "authentication_failed",
        `The NATS server at ${where} refuses the credentials: ${cause.message}.`,
        { cause, data },
      );
    }
    const { why, remedy } = tlsFailure(cause, options.tls !== undefined && options.tls !== null) ?? {
      why: cause instanceof Error && cause.message !== "" ? cause.message : "no answer",
      remedy: 'Check the address, or start a server with "nex up".',
    };
    throw new NexError("connection_failed", `Cannot connect to the NATS server at ${where}: ${why}. ${remedy}`, {
      cause,
      data,
    });
  }
}

/** A URL may hold a password or a token. */
function withoutSecrets(server: string): string {
  return server.replace(/[^/]*@/, "");
}
