import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { checkName, type LogLevel, NexError } from "@nex/protocol";
import type { StorageBuckets } from "@nex/host-services/host";
import {
  type ConnectionSource,
  namespaceConnectionOptions,
  sourceWarnings,
  storageConnectionOptions,
} from "./connection-source.ts";
import { closeConnection, logStatus } from "./connection-life.ts";
import { DENY_FILTER_SUBJECT } from "@nex/embedded-nats";
import { openNodeConnection } from "./node-connection.ts";

export interface NamespaceConnectionsOptions {
  /** As the node's own connection was opened; the server, TLS and timing are taken from it. */
  readonly node: NodeConnectionOptions;
  readonly source: ConnectionSource;
  /** Hears of lost and regained connections and of refused subjects. */
  readonly log?: (level: LogLevel, message: string) => void;
}

/** The right to use a namespace's connection until released. */
export interface NamespaceLease extends AsyncDisposable {
  readonly namespace: string;
  readonly connection: NatsConnection;
  /**
   * A connection with rights to a workload's buckets: the namespace's own, but in the embedded server. There it is one
   * for each name of buckets, and closes with the lease.
   */
  readonly storage: (buckets: StorageBuckets) => Promise<NatsConnection>;
  /** The last release closes the connection. Again: does nothing. */
  release(): Promise<void>;
}

interface Entry {
  readonly opening: Promise<NatsConnection>;
  readonly leases: Set<StorageConnections>;
}

/** Of one lease, by the key-value bucket's name. */
type StorageConnections = Map<string, Promise<NatsConnection>>;

/**
 * One NATS connection for each namespace: opened on first use, shared by all of its workloads, closed with the last.
 * What a namespace's workloads receive and send goes over its own credentials, so that NATS itself keeps them apart.
 */
export class NamespaceConnections implements AsyncDisposable {
  readonly #node: NodeConnectionOptions;
  readonly #source: ConnectionSource;
  readonly #log: (level: LogLevel, message: string) => void;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor({ node, source, log = () => {} }: NamespaceConnectionsOptions) {
    this.#node = node;
    this.#source = source;
    this.#log = log;
  }

  /** One line for each way in which the namespaces are not kept apart, for the node to say when it starts. */
  warnings(): string[] {
    return sourceWarnings(this.#node, this.#source);
  }

  /**
   * @throws NexError `invalid_name`, `namespace_credentials_missing`, `authentication_failed`, `connection_failed`,
   * `file_not_found`; a failure is not remembered, the next call tries again
   */
  async acquire(namespace: string): Promise<NamespaceLease> {
    checkName("namespace", namespace);
    if (this.#closed)
      throw new NexError("connection_failed", "The node is closing its NATS connections and opens no more.");
    let entry = this.#entries.get(namespace);
    if (entry === undefined) {
      entry = { opening: this.#open(namespace), leases: new Set() };
      this.#entries.set(namespace, entry);
      this.#forgetWhenClosed(namespace, entry);
    }
    const storages: StorageConnections = new Map();
    entry.leases.add(storages);
    return this.#lease(namespace, entry, storages, await entry.opening);
  }

  /** Closes all, whoever still has a lease. */
  async close(): Promise<void> {
    this.#closed = true;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.allSettled(entries.map(closeEntry));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(namespace: string): Promise<NatsConnection> {
    const options = await namespaceConnectionOptions(namespace, this.#node, this.#source);
    const connection = await openNodeConnection(options, `namespace "${namespace}"`);
    if (this.#source.kind === "embedded") connection.subscribe(DENY_FILTER_SUBJECT, { callback: () => {} });
    logStatus(connection, `namespace "${namespace}"`, this.#log);
    return connection;
  }

  /** A failure is not remembered. */
  async #openStorage(
    namespace: string,
    storages: StorageConnections,
    buckets: StorageBuckets,
    source: ConnectionSource & { readonly kind: "embedded" },
  ): Promise<NatsConnection> {
    const known = storages.get(buckets.kv);
    if (known !== undefined) return await known;
    const opening = storageConnectionOptions({ namespace, ...buckets }, this.#node, source).then(async (options) => {
      const connection = await openNodeConnection(options, `the storage of namespace "${namespace}"`);
      logStatus(connection, `the storage of namespace "${namespace}"`, this.#log);
      return connection;
    });
    storages.set(buckets.kv, opening);
    opening.catch(() => storages.delete(buckets.kv));
    return await opening;
  }

  /** A connection that failed to open or has ended for good makes room for a new one. */
  #forgetWhenClosed(namespace: string, entry: Entry): void {
    const forget = (): void => {
      if (this.#entries.get(namespace) === entry) this.#entries.delete(namespace);
    };
    void entry.opening.then(async (connection) => await connection.closed()).then(forget, forget);
  }

  #lease(namespace: string, entry: Entry, storages: StorageConnections, connection: NatsConnection): NamespaceLease {
    const release = async (): Promise<void> => {
      if (!entry.leases.delete(storages)) return;
      if (entry.leases.size > 0) return await closeStorages(storages);
      if (this.#entries.get(namespace) === entry) this.#entries.delete(namespace);
      await Promise.all([closeStorages(storages), closeEntry(entry)]);
    };
    const storage = async (buckets: StorageBuckets): Promise<NatsConnection> => {
      if (this.#source.kind !== "embedded") return connection;
      if (!entry.leases.has(storages))
        throw new NexError("connection_failed", "The workload is ending, and its connections to NATS are closed.");
      return await this.#openStorage(namespace, storages, buckets, this.#source);
    };
    return { namespace, connection, storage, release, [Symbol.asyncDispose]: release };
  }
}

async function closeEntry({ opening, leases }: Entry): Promise<void> {
  await Promise.all([closeAll([opening]), ...[...leases].map(closeStorages)]);
}

async function closeStorages(storages: StorageConnections): Promise<void> {
  await closeAll([...storages.values()]);
}

async function closeAll(opening: readonly Promise<NatsConnection>[]): Promise<void> {
  const connections = await Promise.allSettled(opening);
  await Promise.all(
    connections.map(async (result) =>
      result.status === "fulfilled" ? await closeConnection(result.value) : undefined,
    ),
  );
}
