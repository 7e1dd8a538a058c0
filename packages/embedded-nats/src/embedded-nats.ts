import { isIPv6 } from "node:net";
import { join } from "node:path";
import { isNexError, NexError } from "@nex/protocol";
import { writeContextFile } from "./context-file.ts";
import { choosePort, portTaken } from "./listen-port.ts";
import { NamespaceUsers } from "./namespace-users.ts";
import { type EmbeddedNatsConfig, embeddedNatsConfig, type EmbeddedNatsOptions } from "./options.ts";
import { makePrivateDirectory } from "./private-files.ts";
import { natsServerProgram } from "./server-program.ts";
import { serverReady } from "./readiness.ts";
import { ServerConfig, type UserCredentials } from "./server-config.ts";
import { ServerSupervisor } from "./server-supervisor.ts";
import { ServerLog } from "./server-log.ts";
import { endOrphan, ServerProcess } from "./server-process.ts";
import type { SubjectScope } from "./namespace-subjects.ts";
import type { StorageOwner } from "./storage-rights.ts";
import { makeEphemeralDirectory, removeEphemeralDirectory } from "./ephemeral-directory.ts";
import { StoreLock } from "./store-lock.ts";

export type { EmbeddedNatsOptions } from "./options.ts";
export type { UserCredentials } from "./server-config.ts";

/** Free ports are taken by others between looking and listening only now and then. */
const PORT_ATTEMPTS = 5;

/** The NATS server, with JetStream, that a node runs when it was not told of one. */
export interface EmbeddedNats extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly storeDirectory: string;
  /** Holds the operator's credentials for the `nats` and `nex` CLIs. */
  readonly contextFile: string;
  /** The node's own user, with full rights. */
  readonly node: UserCredentials;
  /**
   * The user for a namespace's connection, made when first asked for; resolves once it can log in. Connections that
   * are open stay so.
   *
   * @throws NexError `invalid_name`, `nats_server_failed`
   */
  ensureNamespace(namespace: string): Promise<UserCredentials>;
  /** The subjects that a namespace's user may use now. */
  scopeOf(namespace: string): SubjectScope;
  /** The user for the connection over which a workload's buckets are used; the same otherwise. */
  ensureStorage(owner: StorageOwner): Promise<UserCredentials>;
  /** SIGTERM, grace, SIGKILL; then the store's lock is free, and an ephemeral server's directory and context are gone. */
  stop(): Promise<void>;
}

/**
 * @throws NexError `missing_tool` without nats-server; `already_running` if the port asked for, or the store, is
 * in use; `nats_server_failed` with nats-server's own error; `invalid_request`
 */
export async function startEmbeddedNats(options: EmbeddedNatsOptions = {}): Promise<EmbeddedNats> {
  const config = embeddedNatsConfig(options);
  const program = natsServerProgram(config.serverProgram);
  await using stack = new AsyncDisposableStack();
  const directory = await openDirectory(config, stack);
  const lock = stack.use(await StoreLock.take(directory));
  if (lock.previous.server !== undefined) await endOrphan(lock.previous.server);
  const serverConfig = await ServerConfig.load(directory, config.subjects);
  const log = stack.adopt(
    await ServerLog.create(join(directory, "nats-server.log"), config.log),
    async (it) => await it.close(),
  );

  const { server, port } = await startServer(program, config, serverConfig, log);
  const url = serverUrl(config.host, port);
  const supervisor = new ServerSupervisor(server, {
    start: async () => await startAt(url, program, serverConfig, log),
    onEnded: async (how) => {
      await log.read();
      config.onRestart(unexpectedEnd(how, log));
    },
    onRestarted: async ({ pid }) => await lock.record(pid),
    onGivenUp: config.onUnexpectedExit,
  });
  // Before the rest, so that nothing that fails from here on leaves the server behind.
  stack.defer(async () => await supervisor.stop());
  await lock.record(server.pid);
  const removeContext = await writeContextFile(config.contextFile, url, serverConfig.operator);
  if (config.storeDirectory === undefined) stack.defer(removeContext);

  const owned = stack.move();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= owned.disposeAsync());
  const users = new NamespaceUsers({
    url,
    address: { host: config.host, port },
    config: serverConfig,
    supervisor,
    log,
  });
  return {
    url,
    host: config.host,
    port,
    get pid() {
      return supervisor.pid;
    },
    storeDirectory: directory,
    contextFile: config.contextFile,
    node: serverConfig.node,
    ensureNamespace: async (namespace) => await users.ensure(namespace),
    scopeOf: (namespace) => serverConfig.scopeOf(namespace),
    ensureStorage: async (owner) => await users.ensureStorage(owner),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function openDirectory({ storeDirectory }: EmbeddedNatsConfig, stack: AsyncDisposableStack): Promise<string> {
  if (storeDirectory === undefined) return stack.adopt(await makeEphemeralDirectory(), removeEphemeralDirectory);
  try {
    await makePrivateDirectory(storeDirectory);
  } catch (error) {
    throw new NexError(
      "nats_server_failed",
      `The directory ${storeDirectory} cannot be made: ${(error as Error).message}.`,
      { cause: error },
    );
  }
  return storeDirectory;
}

async function startServer(
  program: string,
  config: EmbeddedNatsConfig,
  serverConfig: ServerConfig,
  log: ServerLog,
): Promise<{ server: ServerProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(config.host, config.port);
    await serverConfig.write({ host: config.host, port });
    try {
      const server = await startAt(serverUrl(config.host, port), program, serverConfig, log);
      return { server, port };
    } catch (error) {
      if (!isNexError(error) || !error.message.includes("address already in use")) throw error;
      if (config.port !== undefined) throw portTaken(config.host, config.port);
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** Starts it with the configuration that is written, and waits until it answers. */
async function startAt(
  url: string,
  program: string,
  serverConfig: ServerConfig,
  log: ServerLog,
): Promise<ServerProcess> {
  const server = await ServerProcess.start(program, serverConfig.path, log);
  try {
    await serverReady(url, serverConfig.node, server, log);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function serverUrl(host: string, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `nats://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`;
}

function unexpectedEnd(how: string, log: ServerLog): NexError {
  const tail = log.tail().map((line) => line.text);
  const reason = log.lastError();
  return new NexError(
    "nats_server_failed",
    `The embedded nats-server ended by itself with ${how}, and is started again.${reason === undefined ? "" : ` The last it said: ${reason}`}`,
    { data: { how, log: tail } },
  );
}
