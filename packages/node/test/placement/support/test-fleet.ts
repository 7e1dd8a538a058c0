import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { ExchangeKey, SigningKey, type WorkloadDetail } from "@nex/protocol";
import {
  type StartedProgram,
  type StartProgramOptions,
  startNatsServer,
  startProgram,
  type TestNats,
  waitFor,
} from "@nex/testing";
import type { NodeOptions } from "../../../src/config/node-config.ts";
import { type DeployTarget, deployFunction, type FunctionDeploy } from "../../control-api/support/deploys.ts";
import { passableDirectory, type Reply } from "../../control-api/support/running-node.ts";

/** What a node's process is told. */
export interface FleetNodeOrder {
  readonly url: string;
  readonly directory: string;
  readonly state: string;
  readonly nexusKey?: string;
  readonly config: NodeOptions;
}

/** How its process is started. */
type Launch = Pick<StartProgramOptions, "env" | "through">;

export interface TestFleetOptions {
  /** Of every node. */
  readonly config?: NodeOptions;
  /** Where the nodes connect. Default: one server of the fleet's own. */
  readonly nats?: TestNats;
}

/** So long a node may be silent, ms: short, for tests that wait for its end. */
export const FAILOVER_MS = 2000;

/** Nodes of one nexus, each a process of its own, on one NATS server. */
export class TestFleet implements AsyncDisposable {
  readonly nats: TestNats;
  readonly client: NatsConnection;
  readonly issuer: SigningKey = SigningKey.create("account");
  readonly nodes: FleetNode[] = [];
  readonly #directory: string;
  readonly #config: NodeOptions;
  readonly #stack: AsyncDisposableStack;
  #key: string | undefined;

  private constructor(
    nats: TestNats,
    client: NatsConnection,
    directory: string,
    config: NodeOptions,
    stack: AsyncDisposableStack,
  ) {
    this.nats = nats;
    this.client = client;
    this.#directory = directory;
    this.#config = config;
    this.#stack = stack;
  }

  /** With so many nodes. */
  static async start(count: number, { config = {}, nats: given }: TestFleetOptions = {}): Promise<TestFleet> {
    await using stack = new AsyncDisposableStack();
    const nats = given ?? stack.use(await startNatsServer({ jetstream: true }));
    const directory = stack.use(await passableDirectory()).path;
    const client = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    stack.defer(async () => await client.close());
    const fleet = new TestFleet(nats, client, directory, { failover_after: FAILOVER_MS, ...config }, stack.move());
    try {
      await fleet.add();
      await Promise.all(Array.from({ length: count - 1 }, async () => await fleet.add()));
      await waitFor(async () => (await fleet.nodes[0]!.peers()).length === count, { message: "all nodes to be known" });
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts one more node. */
  async add(config: NodeOptions = {}, url: string = this.nats.url, launch: Launch = {}): Promise<FleetNode> {
    const place = join(this.#directory, String(this.nodes.length));
    const order = { url, directory: place, state: join(place, "state"), config: { ...this.#config, ...config } };
    const node = new FleetNode(this, order, this.#key, launch);
    this.nodes.push(node);
    await mkdir(place, { mode: 0o711 });
    await node.start();
    this.#key ??= (await readFile(join(place, "state", "exchange.seed"), "utf8")).trim();
    return node;
  }

  /** Of the first node, whose key all have. */
  async deploy(deploy: FunctionDeploy = {}, node: FleetNode = this.nodes[0]!): Promise<Reply> {
    return await deployFunction(node, { issuer: this.issuer, ...deploy });
  }

  /** What each node that is there tells of its workloads. */
  async details(namespace = "default"): Promise<(WorkloadDetail & { readonly teller: string })[]> {
    const found: (WorkloadDetail & { readonly teller: string })[] = [];
    const alive = this.nodes.filter(({ isRunning }) => isRunning);
    const replies = await this.client.requestMany(`$NEX.WORKLOADS.${namespace}`, "{}", {
      strategy: "count",
      maxMessages: alive.length,
      maxWait: 2000,
    });
    for await (const reply of replies) {
      const { data } = reply.json<{ data: { node_id: string; workloads: WorkloadDetail[] } }>();
      found.push(...data.workloads.map((workload) => ({ ...workload, teller: data.node_id })));
    }
    return found;
  }

  /** Instances of a workload that run, by node. */
  async instances(name: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const detail of await this.details()) {
      if (detail.name !== name) continue;
      const running = detail.instances.filter(({ state }) => state === "running").length;
      if (running > 0) counts.set(detail.teller, running);
    }
    return counts;
  }

  /** Waits until a workload runs with so many instances, and on such nodes. */
  async whenRunning(
    name: string,
    count: number,
    isRight: (counts: ReadonlyMap<string, number>) => boolean = () => true,
    timeoutMs = 20_000,
  ): Promise<Map<string, number>> {
    return await waitFor(
      async () => {
        const counts = await this.instances(name);
        const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
        return total === count && isRight(counts) ? counts : undefined;
      },
      { message: `${count} instances of ${name}`, timeoutMs },
    );
  }

  node(id: string): FleetNode {
    return this.nodes.find((node) => node.node.id === id)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#stack;
    await Promise.all(this.nodes.map(async (node) => await node.kill("SIGINT")));
  }
}

/** One node of a {@link TestFleet}. */
export class FleetNode implements DeployTarget {
  readonly sender: ExchangeKey = ExchangeKey.create();
  readonly #fleet: TestFleet;
  readonly #order: FleetNodeOrder;
  readonly #key: string | undefined;
  readonly #launch: Launch;
  #program: StartedProgram | undefined;
  #id = "";

  constructor(fleet: TestFleet, order: FleetNodeOrder, key: string | undefined, launch: Launch) {
    this.#launch = launch;
    this.#fleet = fleet;
    this.#order = order;
    this.#key = key;
  }

  get node(): { readonly id: string } {
    return { id: this.#id };
  }

  get client(): NatsConnection {
    return this.#fleet.client;
  }

  get issuer(): SigningKey {
    return this.#fleet.issuer;
  }

  get isRunning(): boolean {
    return this.#program !== undefined;
  }

  get pid(): number {
    return this.#program!.pid;
  }

  get state(): string {
    return this.#order.state;
  }

  /** Again with the same state, once it was ended. */
  async start(): Promise<void> {
    const order = this.#key === undefined ? this.#order : { ...this.#order, nexusKey: this.#key };
    this.#program = await startProgram(join(import.meta.dirname, "fleet-node-process.ts"), {
      args: [JSON.stringify(order)],
      ...this.#launch,
    });
    this.#id = (JSON.parse(this.#program.line) as { id: string }).id;
  }

  /** SIGKILL ends it at once, SIGTERM once others have taken over, SIGINT without that. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    await program?.kill(signal);
  }

  /** Ids of the nodes that this one knows to be there. */
  async peers(): Promise<string[]> {
    return ((await this.ask(`$NEX.PING.${this.#id}`)).data.nodes ?? []) as string[];
  }

  async exchangeKey(): Promise<string> {
    return (await this.ask(`$NEX.INFO.default.${this.#id}`)).data.public_xkey as string;
  }

  async ask(subject: string, body: unknown = "", timeout = 30_000): Promise<Reply> {
    const raw = typeof body === "string" ? body : JSON.stringify(body);
    return (await this.client.request(subject, raw, { timeout })).json<Reply>();
  }
}
