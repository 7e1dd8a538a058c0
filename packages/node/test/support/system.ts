import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { type HostServicesOptions, hostServicesSchema } from "@nex/host-services/host";
import type { NexError, WorkloadDetail } from "@nex/protocol";
import { agentPrograms, childrenOf, startNatsServer, temporaryDirectory, type TestNats, waitFor } from "@nex/testing";
import { openNodeConnection } from "../../src/connections/node-connection.ts";
import { Feeds } from "../../src/feeds/feeds.ts";
import type { SandboxDriver, SandboxPrograms } from "@nex/sandboxes";
import { SandboxPool } from "../../src/supervisor/pool.ts";
import type { WorkloadPlan } from "../../src/supervisor/plan.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";
import { SubjectRules } from "../../src/triggers/subject-rules.ts";
import { FeedRecorder } from "./feed-recorder.ts";
import { functionPlan, type PlanOptions } from "./plan.ts";
import { SandboxWatch } from "./sandbox-watch.ts";

export interface SystemOptions {
  /** Default: the process sandbox. */
  readonly driver?: SandboxDriver;
  /** Default 1. */
  readonly poolSize?: number;
  /** Default: the bundles of packages/agent. */
  readonly programs?: Partial<SandboxPrograms>;
  /** Where the node connects instead of straight to the server. */
  readonly url?: (nats: TestNats) => string;
  /** Accounts in the server's configuration. Default: one for everybody, with JetStream, and the system's own. */
  readonly accounts?: string;
  /** Default true. */
  readonly jetstream?: boolean;
  /** `host_services` of the node's config. */
  readonly hostServices?: HostServicesOptions;
  /** Default: as the pool has it. */
  readonly takeDeadlineMs?: number;
  /** `deny_subjects` of the node's config. */
  readonly deniedSubjects?: readonly string[];
}

/** Emulated machines are 30 times slower, but most of what is waited for is not their work alone. */
const MOST_PATIENCE = 9;

/** The node's run-time half on a NATS server of its own. Disposal fails if anything is left behind. */
export class TestSystem implements AsyncDisposable {
  readonly nats: TestNats;
  /** The namespace's connection, over which triggers come. */
  readonly connection: NatsConnection;
  /** Somebody else's connection. */
  readonly client: NatsConnection;
  readonly watch: SandboxWatch;
  readonly told: FeedRecorder;
  readonly feeds: Feeds;
  readonly pool: SandboxPool;
  readonly supervisor: Supervisor;
  readonly startFailures: NexError[] = [];
  /** Holds one directory for each sandbox. */
  readonly runtime: string;
  readonly #hasSystemAccount: boolean;
  readonly #driver: SandboxDriver | undefined;
  /** For what should happen at once: longer where sandboxes are emulated. */
  readonly #waitMs: number;
  #leases = 0;

  private constructor(parts: Pick<TestSystem, "nats" | "connection" | "client" | "runtime">, options: SystemOptions) {
    this.watch = new SandboxWatch(options.driver);
    this.nats = parts.nats;
    this.connection = parts.connection;
    this.client = parts.client;
    this.runtime = parts.runtime;
    this.#hasSystemAccount = options.accounts === undefined;
    this.#driver = options.driver;
    this.#waitMs = 10_000 * Math.min(this.watch.driver.patience, MOST_PATIENCE);
    this.told = new FeedRecorder(parts.client, this.#waitMs);
    this.feeds = new Feeds(parts.connection, "NTEST");
    this.pool = new SandboxPool({
      size: options.poolSize ?? 1,
      driver: this.watch.driver,
      directory: parts.runtime,
      maxPayload: parts.connection.info?.max_payload ?? 0,
      programs: { node: process.execPath, ...agentPrograms(), ...options.programs },
      onStartFailed: (error) => this.startFailures.push(error),
      ...(options.takeDeadlineMs === undefined ? {} : { takeDeadlineMs: options.takeDeadlineMs }),
    });
    this.supervisor = new Supervisor({
      nodeId: "NTEST",
      pool: this.pool,
      feeds: this.feeds,
      artifactFile: async (sha256) => this.#artifactFile(sha256),
      hostServices: hostServicesSchema.parse(options.hostServices ?? {}),
      subjects: new SubjectRules({ denied: options.deniedSubjects ?? [] }),
      lease: async () => {
        this.#leases++;
        return { connection: this.connection, [Symbol.asyncDispose]: async () => void this.#leases-- };
      },
    });
  }

  static async start(options: SystemOptions = {}): Promise<TestSystem> {
    await using stack = new AsyncDisposableStack();
    // As a node does before it uses one.
    await options.driver?.unavailable();
    const nats = stack.use(
      await startNatsServer({ config: options.accounts ?? ACCOUNTS, jetstream: options.jetstream ?? true }),
    );
    const directory = stack.use(await temporaryDirectory("nex-node-"));
    // Sandboxes have users of their own, who must get through; the directory of a whole test run is closed to them.
    for (const path of [directory.path, dirname(directory.path)]) {
      const { mode } = await stat(path);
      if ((mode & 0o001) === 0) await chmod(path, 0o711);
    }
    const url = options.url?.(nats) ?? nats.url;
    const connection = await openNodeConnection({ servers: url, name: "node" });
    stack.defer(async () => await connection.close());
    const client = await connect({ servers: nats.url, name: "client", maxReconnectAttempts: -1 });
    stack.defer(async () => await client.close());
    const system = new TestSystem({ nats, connection, client, runtime: directory.path }, options);
    await client.flush();
    system.#stack = stack.move();
    system.pool.fill();
    return system;
  }

  #stack: AsyncDisposableStack = new AsyncDisposableStack();

  /** Deploys a function from its source, or a service from its bytes. */
  async deploy(source: string | Uint8Array, options: PlanOptions = {}): Promise<WorkloadDetail> {
    return await this.deployPlan(functionPlan(source, options), source);
  }

  async deployPlan(plan: WorkloadPlan, artifact: string | Uint8Array): Promise<WorkloadDetail> {
    await writeFile(this.#artifactFile(plan.artifact.sha256), artifact);
    return await this.supervisor.deploy(plan);
  }

  #artifactFile(sha256: string): string {
    return join(this.runtime, `${sha256}.artifact`);
  }

  /** A request with time enough that only a missing answer runs out of it. */
  async request(subject: string, payload: Uint8Array | string = "", headers?: Msg["headers"]): Promise<Msg> {
    return await this.client.request(subject, payload, {
      timeout: 3 * this.#waitMs,
      ...(headers === undefined ? {} : { headers }),
    });
  }

  async whenWarm(count = 1): Promise<void> {
    await waitFor(() => this.pool.readyCount >= count, { message: "a warm sandbox", timeoutMs: this.#waitMs });
  }

  /** Subscriptions the node holds, as the server knows them. */
  async subscriptions(): Promise<string[]> {
    const system = await connect({ servers: this.nats.url, user: "sys", pass: "sys" });
    try {
      const body = JSON.stringify({ subscriptions: true });
      const reply = await system.request("$SYS.REQ.SERVER.PING.CONNZ", body, { timeout: 5000 });
      const { data } = reply.json<{ data: { connections: { name?: string; subscriptions_list?: string[] }[] } }>();
      return data.connections.find(({ name }) => name === "node")?.subscriptions_list ?? [];
    } finally {
      await system.close();
    }
  }

  /** Only while the server is up and has a system account. */
  #canAsk(): boolean {
    return this.#hasSystemAccount && childrenOf(process.pid).includes(this.nats.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#stack;
    await this.supervisor.close();
    const left = this.#canAsk()
      ? (await this.subscriptions()).filter(isOurs).map((subject) => `subscription ${subject}`)
      : [];
    await this.pool.close();
    await this.#driver?.close?.();
    if (this.#leases !== 0) left.push(`${this.#leases} leases of the connection`);
    const directories = (await readdir(this.runtime)).filter((name) => !name.endsWith(".artifact"));
    left.push(...directories.map((name) => `directory ${name}`), ...this.watch.processes());
    if (left.length > 0) throw new Error(`The node left behind:\n${left.join("\n")}`);
  }
}

/** Everybody is in one account with JetStream; the system account answers what the server knows. */
const ACCOUNTS = `
accounts {
  APP { jetstream: enabled, users: [{ user: app, password: app }] }
  SYS { users: [{ user: sys, password: sys }] }
}
system_account: SYS
no_auth_user: app`;

/** A connection that has sent a request keeps one subscription for all answers. */
function isOurs(subject: string): boolean {
  return !/^_INBOX\.\w+\.\*$/.test(subject);
}
