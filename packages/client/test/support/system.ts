import { chmod } from "node:fs/promises";
import { SigningKey } from "@nex/protocol";
import { agentPrograms, startNatsServer, temporaryDirectory, type TestNats, type TestNatsOptions } from "@nex/testing";
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import { NexNode, type NodeOptions } from "@nex/node";
import { NexClient, type NexClientOptions } from "../../src/index.ts";

/** A NATS server of its own, with nodes and clients as a test wants them. All end with it. */
export class TestSystem implements AsyncDisposable {
  readonly nats: TestNats;
  readonly issuer: SigningKey = SigningKey.create("account");
  readonly #stack: AsyncDisposableStack;

  private constructor(nats: TestNats, stack: AsyncDisposableStack) {
    this.nats = nats;
    this.#stack = stack;
  }

  static async start(options: TestNatsOptions = {}): Promise<TestSystem> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNatsServer({ jetstream: true, ...options }));
    return new TestSystem(nats, stack.move());
  }

  async node(config: NodeOptions = {}): Promise<NexNode> {
    const directory = this.#stack.use(await temporaryDirectory("nex-client-node-"));
    // Sandboxes have users of their own, who must get through.
    await chmod(directory.path, 0o711);
    return this.#stack.use(
      await NexNode.start({
        nats: { connect: { servers: this.nats.url } },
        programs: { node: process.execPath, ...agentPrograms() },
        config: {
          sandbox: "process",
          runtime_directory: `${directory.path}/run`,
          cache_directory: `${directory.path}/cache`,
          ...config,
        },
      }),
    );
  }

  async client(options: NexClientOptions = {}): Promise<NexClient> {
    const connection =
      options.connection === undefined ? { connectOptions: { servers: this.nats.url }, ...options } : options;
    return this.#stack.use(await NexClient.connect({ issuer: this.issuer, ...connection }));
  }

  /** A connection that is not the client's. */
  async connection(options: NodeConnectionOptions = {}): Promise<NatsConnection> {
    const connection = await connect({ servers: this.nats.url, ...options });
    this.#stack.defer(async () => await connection.close());
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Source of a function in module form. */
export function source(text: string): Uint8Array {
  return new TextEncoder().encode(`export default ${text};\n`);
}
