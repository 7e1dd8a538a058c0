import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { createEvent, NexError, SYSTEM_NAMESPACE } from "@nex/protocol";
import { ArtifactCache } from "./artifacts/artifact-cache.ts";
import { ArtifactStore } from "./artifacts/artifact-store.ts";
import { namespaceCredentials, statedSubjects } from "./config/namespaces.ts";
import { completeNodeOptions, type NodeConfig, type NodeOptions } from "./config/node-config.ts";
import { closeConnection, logStatus } from "./connections/connection-life.ts";
import type { ConnectionSource } from "./connections/connection-source.ts";
import { NamespaceConnections } from "./connections/namespace-connections.ts";
import { openNodeConnection } from "./connections/node-connection.ts";
import { Admission } from "./control-api/admission.ts";
import type { ControlContext } from "./control-api/context.ts";
import { adoptStored, bringUp } from "./control-api/restore.ts";
import { ControlApi } from "./control-api/control-api.ts";
import { DeploysUnderWay } from "./control-api/deploys-under-way.ts";
import { nodeTags, ping } from "./control-api/endpoints/describe.ts";
import { type EmbeddedNats, type EmbeddedNatsOptions, startEmbeddedNats } from "@nex/embedded-nats";
import { Feeds } from "./feeds/feeds.ts";
import { nodeServices } from "./services/node-services.ts";
import { ServiceResponder } from "./services/service-responder.ts";
import { sandboxConfig } from "./config/sandbox-config.ts";
import { chooseSandbox, type SandboxPrograms } from "@nex/sandboxes";
import { checkSandboxPolicy } from "./config/sandbox-policy.ts";
import { NodeRecords } from "./registry/node-records.ts";
import { neededArtifacts } from "./registry/needed-artifacts.ts";
import { Registry } from "./registry/registry.ts";
import { ClaimsMemory } from "./state/claims-memory.ts";
import { loadIdentity } from "./state/identity.ts";
import { StateDirectory } from "./state/state-directory.ts";
import { makeRuntimeDirectory } from "./state/runtime-directory.ts";
import { SandboxPool } from "./supervisor/pool.ts";
import { Supervisor } from "./supervisor/supervisor.ts";
import { SubjectRules } from "./triggers/subject-rules.ts";
import { ConnectRules, isConnectRule } from "./tunnels/connect-rules.ts";
import { VERSION } from "./version.ts";

export interface NexNodeOptions {
  /** The NATS server to use, or the one to start. */
  readonly nats: { readonly connect: NodeConnectionOptions } | { readonly embedded: EmbeddedNatsOptions };
  readonly programs: SandboxPrograms;
  readonly config?: NodeOptions;
  /** Takes lines for the operator. Default: none. */
  readonly onWarning?: (line: string) => void;
  /** The node can no longer work, as when its embedded server has died and does not come up again. */
  readonly onFatal?: (error: NexError) => void;
}

const HEARTBEAT_MS = 30_000;

const TIDY_MS = 600_000;

/** An artifact that no workload of this node needs is kept this long for other nodes and clients, ms. */
const ARTIFACT_KEEP_MS = 3_600_000;

/** A Nex node: takes workloads from the control API and runs them. */
export class NexNode implements AsyncDisposable {
  /** Public key. */
  readonly id: string;
  /** URL of the NATS server in use. */
  readonly server: string;
  /** Name of the sandbox in use. */
  readonly sandbox: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(id: string, server: string, sandbox: string, stack: AsyncDisposableStack) {
    this.id = id;
    this.server = server;
    this.sandbox = sandbox;
    this.#stack = stack;
  }

  /**
   * Starts a node; it answers the control API when this resolves.
   * @throws NexError `connection_failed`, `authentication_failed`, `jetstream_unavailable`, `sandbox_refused`, `sandbox_failed`, `already_running`, `state_unusable`, `invalid_request`
   */
  static async start(options: NexNodeOptions): Promise<NexNode> {
    const config = completeNodeOptions(options.config ?? {});
    const warn = options.onWarning ?? (() => undefined);
    await using stack = new AsyncDisposableStack();
    const state =
      config.state_directory === undefined ? undefined : stack.use(await StateDirectory.open(config.state_directory));
    const { driver, passedOver } = await chooseSandbox(config.sandbox, sandboxConfig(config, options.programs, warn));
    stack.defer(async () => await driver.close?.());
    // A node in a sandbox that holds need not tell each time what else there could be; preflight does.
    if (!driver.isBoundary)
      for (const reason of passedOver) warn(`A stronger sandbox cannot be used on this machine: ${reason}.`);
    const embedded = await startServer(stack, options, config);
    const connect = connectOptions(options, embedded);
    const connection = await openNodeConnection(connect);
    stack.defer(async () => await closeConnection(connection));
    logStatus(connection, "the node", (_, line) => warn(line));
    for (const line of checkSandboxPolicy({
      driver,
      connection,
      isEmbedded: embedded !== undefined,
      issuers: config.issuers,
    }))
      warn(line);

    const identity = await loadIdentity(config.nexus, config.nexus_key_file, state);
    const runtime = stack.use(await makeRuntimeDirectory(config.runtime_directory));
    const feeds = new Feeds(connection, identity.nodeId, config.accept_legacy_claims);
    const artifacts = new ArtifactStore(connection, {
      maxBytes: config.artifacts.max_bytes,
      maxArtifactBytes: config.artifacts.max_artifact_bytes,
    });
    const memory = new ClaimsMemory(connection, warn);
    const registry = new Registry(connection, config.nexus);
    const records = state === undefined ? undefined : stack.use(new NodeRecords(registry, identity.nodeId, warn));
    await Promise.all([artifacts.open(), memory.open(), records === undefined ? undefined : registry.open()]);

    const namespaces = stack.use(
      new NamespaceConnections({
        node: connect,
        source: connectionSource(config, connection, embedded),
        log: (_, line) => warn(line),
      }),
    );
    for (const line of namespaces.warnings()) warn(line);
    const subjects = new SubjectRules({
      denied: config.deny_subjects,
      scopeOf: embedded === undefined ? undefined : (namespace) => embedded.scopeOf(namespace),
    });
    const pool = new SandboxPool({
      size: config.pool.size,
      driver,
      programs: options.programs,
      directory: runtime.path,
      maxPayload: connection.info?.max_payload ?? 1024 * 1024,
      onStartFailed: (error) => {
        warn(error.message);
        feeds.publishEvent(
          createEvent("sandbox_failed", identity.nodeId, SYSTEM_NAMESPACE, {
            code: error.code,
            message: error.message,
          }),
        );
      },
    });
    stack.defer(async () => await pool.close());
    const stopping = new AbortController();
    const cache = new ArtifactCache(config.cache_directory, artifacts, stopping.signal);
    const supervisor = new Supervisor({
      nodeId: identity.nodeId,
      pool,
      feeds,
      artifactFile: async (sha256) => await cache.file(sha256),
      lease: async (namespace) => await namespaces.acquire(namespace),
      hostServices: config.host_services,
      subjects,
      heldBytes: config.functions.held_bytes,
      onChange: ({ namespace, name, restarts, hasEnded }) => {
        if (!stopping.signal.aborted) records?.note(namespace, name, { restarts, ended: hasEnded });
      },
    });
    stack.defer(async () => await supervisor.close());

    const startedAt = Date.now();
    const context: ControlContext = {
      config,
      identity,
      admission: new Admission({
        nodeId: identity.nodeId,
        nexus: identity.nexus,
        issuers: config.issuers,
        acceptLegacyClaims: config.accept_legacy_claims,
        memory,
        startedAt,
      }),
      supervisor,
      artifacts,
      deploys: new DeploysUnderWay(supervisor, config.max_instances),
      cache,
      feeds,
      connectRules: connectRules(config, embedded),
      subjects,
      sandbox: driver,
      startedAt,
      registry,
      records,
      warn,
      lameDuck: false,
    };
    const adopted = await adoptStored(context);
    await openApi(stack, connection, context);
    if (records !== undefined) repairAfterReconnects(connection, records);
    stack.defer(() => stopping.abort(new NexError("cancelled", "The node is stopping.")));
    pool.fill();
    void bringUp(context, adopted, stopping.signal);
    return new NexNode(identity.nodeId, embedded?.url ?? connection.getServer(), driver.name, stack.move());
  }

  /** Refuses new work, ends every workload and sandbox, says goodbye and disconnects. */
  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function startServer(
  stack: AsyncDisposableStack,
  options: NexNodeOptions,
  config: NodeConfig,
): Promise<EmbeddedNats | undefined> {
  if (!("embedded" in options.nats)) return undefined;
  const { onFatal, onWarning } = options;
  return stack.use(
    await startEmbeddedNats({
      ...options.nats.embedded,
      subjects: statedSubjects(config.namespaces),
      onRestart: ({ message }) => onWarning?.(message),
      ...(onFatal === undefined ? {} : { onUnexpectedExit: onFatal }),
    }),
  );
}

function connectOptions(options: NexNodeOptions, embedded: EmbeddedNats | undefined): NodeConnectionOptions {
  if ("connect" in options.nats) return { ...options.nats.connect, name: "nex-node" };
  return { servers: embedded!.url, user: embedded!.node.user, pass: embedded!.node.password, name: "nex-node" };
}

function connectionSource(
  config: NodeConfig,
  connection: NatsConnection,
  embedded: EmbeddedNats | undefined,
): ConnectionSource {
  if (embedded !== undefined)
    return {
      kind: "embedded",
      ensureNamespace: async (namespace) => await embedded.ensureNamespace(namespace),
      ensureStorage: async (owner) => await embedded.ensureStorage(owner),
    };
  return {
    kind: "server",
    authRequired: connection.info?.auth_required === true,
    namespaces: namespaceCredentials(config.namespaces),
    shareNodeConnection: config.share_node_connection,
  };
}

/** The embedded server asks everybody for credentials, so that reaching it is no right in itself. Of others we do not know. */
function connectRules({ services }: NodeConfig, embedded: EmbeddedNats | undefined): ConnectRules {
  const server = embedded === undefined ? [] : [new URL(embedded.url).host];
  return new ConnectRules([...services.connect, ...server.filter(isConnectRule)]);
}

/** A server that comes back may have lost what it kept, or be another one. */
function repairAfterReconnects(connection: NatsConnection, records: NodeRecords): void {
  void (async () => {
    for await (const { type } of connection.status()) if (type === "reconnect") void records.repair();
  })();
}

async function openApi(
  stack: AsyncDisposableStack,
  connection: NatsConnection,
  context: ControlContext,
): Promise<void> {
  const { feeds, identity } = context;
  const announce = (type: "node_started" | "node_stopped" | "heartbeat", data: Record<string, unknown>): void =>
    feeds.publishEvent(createEvent(type, identity.nodeId, SYSTEM_NAMESPACE, data));
  stack.defer(() => announce("node_stopped", { id: identity.nodeId, graceful: true }));
  const responder = new ServiceResponder(connection, () => nodeServices(context));
  responder.open();
  stack.defer(async () => await responder.close());
  const api = new ControlApi(connection, context);
  await api.open();
  // Deploys under way end with the supervisor; the API waits for them, to answer them all.
  stack.defer(async () => void (await Promise.all([api.close(), context.supervisor.close()])));
  const heartbeat = setInterval(() => {
    const { version, uptime, tags, nexus, node_id, running_machines } = ping(context);
    announce("heartbeat", { version, node_id, nexus, uptime, tags, running_machines });
  }, HEARTBEAT_MS);
  stack.defer(() => clearInterval(heartbeat));
  const tidying = setInterval(() => void tidyArtifacts(context), TIDY_MS);
  stack.defer(() => clearInterval(tidying));
  announce("node_started", { version: VERSION, id: identity.nodeId, tags: nodeTags(context) });
}

/**
 * Frees the room of artifacts nobody needs, and puts back those that this node does and another has taken for
 * needless. A failure shows at the next upload; it must not end the node.
 */
async function tidyArtifacts(context: ControlContext): Promise<void> {
  const recorded = await neededArtifacts(context.registry).catch(() => undefined);
  // What other nodes need is not known now, and nothing is lost by waiting.
  if (recorded === undefined) return;
  const needed = new Set([...context.supervisor.artifacts, ...context.deploys.artifacts, ...recorded]);
  await Promise.allSettled([
    context.artifacts.collect(needed, ARTIFACT_KEEP_MS),
    context.cache.prune(needed, ARTIFACT_KEEP_MS),
    context.cache.putBack(context.supervisor.artifacts),
  ]);
}
