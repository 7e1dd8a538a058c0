import { availableParallelism, freemem } from "node:os";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { createEvent, ExchangeKey, NexError, SYSTEM_NAMESPACE } from "@nex/protocol";
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
import { planStored } from "./control-api/stored-deploy.ts";
import { DeploysUnderWay } from "./control-api/deploys-under-way.ts";
import { nodeTags } from "./control-api/endpoints/node-tags.ts";
import { type EmbeddedNats, type EmbeddedNatsOptions, startEmbeddedNats } from "@nex/embedded-nats";
import { Feeds } from "./feeds/feeds.ts";
import { enterLameDuck } from "./control-api/lame-duck.ts";
import { FleetReport } from "./placement/fleet-report.ts";
import { sandboxConfig } from "./config/sandbox-config.ts";
import { chooseSandbox, type SandboxPrograms } from "@nex/sandboxes";
import { checkSandboxPolicy } from "./config/sandbox-policy.ts";
import { Bucket } from "./jetstream/bucket.ts";
import { Fleet } from "./placement/fleet.ts";
import type { NodeOffer } from "./placement/node-offer.ts";
import { Presence } from "./placement/presence.ts";
import { ClaimsMemory } from "./state/claims-memory.ts";
import { loadIdentity } from "./state/identity.ts";
import { StateDirectory } from "./state/state-directory.ts";
import { makeRuntimeDirectory } from "./state/runtime-directory.ts";
import { SandboxPool } from "./supervisor/pool.ts";
import { Supervisor } from "./supervisor/supervisor.ts";
import { SubjectRules } from "./triggers/subject-rules.ts";
import { ConnectRules, isConnectRule } from "./tunnels/connect-rules.ts";
import { openApi } from "./serve.ts";
import { SUPPORTED_KINDS } from "./version.ts";

export interface NexNodeOptions {
  /** The NATS server to use, or the one to start. */
  readonly nats: { readonly connect: NodeConnectionOptions } | { readonly embedded: EmbeddedNatsOptions };
  readonly programs: SandboxPrograms;
  readonly config?: NodeOptions;
  /** Seed of the key that all nodes of the nexus share. Default: as the config says. */
  readonly nexusKey?: string | undefined;
  /** Takes lines for the operator. Default: none. */
  readonly onWarning?: (line: string) => void;
  /** The node can no longer work, as when its embedded server has died and does not come up again. */
  readonly onFatal?: (error: NexError) => void;
}

/** A Nex node: takes workloads from the control API and runs them. */
export class NexNode implements AsyncDisposable {
  /** Public key. */
  readonly id: string;
  /** URL of the NATS server in use. */
  readonly server: string;
  /** Name of the sandbox in use. */
  readonly sandbox: string;
  readonly #context: ControlContext;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    id: string,
    server: string,
    sandbox: string,
    context: ControlContext,
    stack: AsyncDisposableStack,
  ) {
    this.id = id;
    this.server = server;
    this.sandbox = sandbox;
    this.#context = context;
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

    const identity = await loadIdentity({
      nexus: config.nexus,
      nexusKey: options.nexusKey,
      nexusKeyFile: config.nexus_key_file,
      state,
    });
    const runtime = stack.use(await makeRuntimeDirectory(config.runtime_directory));
    const feeds = new Feeds(connection, identity.nodeId, config.accept_legacy_claims);
    const { replicas } = config.jetstream;
    const artifacts = new ArtifactStore(connection, {
      maxBytes: config.artifacts.max_bytes,
      maxArtifactBytes: config.artifacts.max_artifact_bytes,
      replicas,
    });
    const memory = new ClaimsMemory(connection, warn, replicas);
    await Promise.all([artifacts.open(), memory.open()]);

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
      onChange: ({ namespace, name }) => fleet?.onLocalChange(namespace, name),
    });
    stack.defer(async () => await supervisor.close());

    const startedAt = Date.now();
    const checks = {
      config,
      identity,
      sandbox: driver,
      subjects,
      connectRules: connectRules(config, embedded),
      admission: new Admission({
        nodeId: identity.nodeId,
        nexus: identity.nexus,
        issuers: config.issuers,
        acceptLegacyClaims: config.accept_legacy_claims,
        memory,
        isFleet: state !== undefined,
        startedAt,
      }),
    };
    const lameDuck = { isOn: false };
    const offer = (): Omit<NodeOffer, "places"> => ({
      kinds: SUPPORTED_KINDS,
      tags: nodeTags({ config, sandbox: driver }, false),
      cpus: availableParallelism(),
      memoryFree: freemem(),
      instances: supervisor.instanceCount,
      isLameDuck: lameDuck.isOn,
    });
    const report = new FleetReport(feeds, identity.nodeId, warn);
    const fleet =
      state === undefined
        ? undefined
        : stack.use(
            new Fleet({
              connection,
              identity,
              replicas,
              failoverMs: config.failover_after,
              offer,
              maxInstances: config.max_instances,
              supervisor,
              plan: (namespace, name, record) => planStored(checks, namespace, name, record),
              report,
              onTwin: (error) => options.onFatal?.(error),
              warn,
            }),
          );
    // Clients wait for the answers of all nodes that are there, those that act for themselves alone among them.
    const presence =
      fleet?.presence ??
      stack.use(
        new Presence({
          connection,
          nexus: identity.nexus,
          id: identity.nodeId,
          key: ExchangeKey.create(),
          offer,
          failoverMs: config.failover_after,
          onChange: () => undefined,
          onLost: () => undefined,
          onTwin: () => undefined,
        }),
      );
    const context: ControlContext = {
      ...checks,
      supervisor,
      artifacts,
      deploys: new DeploysUnderWay(supervisor, fleet === undefined ? config.max_instances : 0),
      cache,
      feeds,
      startedAt,
      fleet,
      presence,
      records:
        fleet?.cache.bucket ?? new Bucket(connection, { name: `nex_${config.nexus}`, description: "", replicas }),
      warn,
      lameDuck,
    };
    await (fleet ?? presence).open();
    await openApi(stack, connection, context);
    if (fleet !== undefined) verifyAfterReconnects(connection, fleet);
    stack.defer(() => {
      // Before its workloads end, which would look like something to be mended.
      fleet?.halt();
      stopping.abort(new NexError("cancelled", "The node is stopping."));
    });
    pool.fill();
    fleet?.start();
    const url = embedded?.url ?? connection.getServer();
    return new NexNode(identity.nodeId, url, driver.name, context, stack.move());
  }

  /** True while other nodes of the nexus are there, which could take over what runs here. */
  get hasPeers(): boolean {
    const { fleet } = this.#context;
    return fleet !== undefined && fleet.view().nodes.size > 1;
  }

  /**
   * Takes no more deploys, and gives what runs here to other nodes, each replacement before its original ends.
   * Resolves when nothing is left that another node could take, after `drain_timeout`, or when `signal` is aborted.
   */
  async drain(signal?: AbortSignal): Promise<void> {
    const { fleet, config } = this.#context;
    enterLameDuck(this.#context);
    const late = AbortSignal.timeout(config.drain_timeout);
    await fleet?.drain(signal === undefined ? late : AbortSignal.any([signal, late]));
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
function verifyAfterReconnects(connection: NatsConnection, fleet: Fleet): void {
  void (async () => {
    for await (const { type } of connection.status()) if (type === "reconnect") void fleet.verify();
  })();
}
