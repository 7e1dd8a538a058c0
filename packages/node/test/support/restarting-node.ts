import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "@nex/testing";
import type { NodeOptions } from "../../src/config/node-config.ts";
import { RunningNode } from "../control-api/support/running-node.ts";
import { startNatsServer, type TestNats } from "@nex/testing";

/** A node that keeps its state, and can be started again beside the same server. */
export class RestartingNode implements AsyncDisposable {
  readonly nats: TestNats;
  readonly state: string;
  readonly #stack: AsyncDisposableStack;
  #node: RunningNode | undefined;

  private constructor(nats: TestNats, state: string, stack: AsyncDisposableStack) {
    this.nats = nats;
    this.state = state;
    this.#stack = stack;
  }

  static async make(): Promise<RestartingNode> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await temporaryDirectory());
    const nats = stack.use(await startNatsServer({ jetstream: true }));
    return new RestartingNode(nats, join(directory.path, "state"), stack.move());
  }

  get node(): RunningNode {
    if (this.#node === undefined) throw new Error("The node does not run.");
    return this.#node;
  }

  /** With which another node joins. */
  async nexusKey(): Promise<string> {
    return (await readFile(join(this.state, "exchange.seed"), "utf8")).trim();
  }

  /** Ends the node that runs, in order, and starts it again. */
  async start(config: NodeOptions = {}): Promise<RunningNode> {
    await this.end();
    this.#node = await RunningNode.start({ nats: this.nats, config: { state_directory: this.state, ...config } });
    return this.#node;
  }

  async end(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    await node?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#stack;
    await this.end();
  }
}
