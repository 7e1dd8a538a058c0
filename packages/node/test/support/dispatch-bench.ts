import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { join } from "node:path";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { type IncomingCall, Link, type LinkOptions, TRIGGER_CODE } from "@nex/link";
import { startNatsServer, temporaryDirectory } from "@nex/testing";
import { ByteBudget } from "@nex/host-services/host";
import { Dispatcher, type DispatcherOptions } from "../../src/functions/dispatcher.ts";
import type { Expired, Worker } from "../../src/functions/worker.ts";

/** A runner as the test plays it. */
export interface FarEnd {
  /** The node's end. */
  readonly link: Link;
  readonly far: Link;
  /** What far has on the wire. Paused, it stands still as a blocked event loop does. */
  readonly socket: Socket;
  readonly calls: IncomingCall[];
}

/** A dispatcher between a real NATS connection and real links, whose far ends the test plays. */
export class DispatchBench implements AsyncDisposable {
  readonly client: NatsConnection;
  readonly dispatcher: Dispatcher;
  /** The first of its workers. */
  readonly worker: Worker;
  readonly refusedReplies: string[] = [];
  /** Messages whose deadline passed while they waited. */
  readonly expired: Expired[] = [];
  /** Those that were in work. */
  readonly overdue: Expired[] = [];
  readonly #stack: AsyncDisposableStack;

  private constructor(client: NatsConnection, options: Partial<DispatcherOptions>, stack: AsyncDisposableStack) {
    this.client = client;
    this.#stack = stack;
    this.dispatcher = new Dispatcher("early", {
      connection: client,
      triggers: ["work"],
      deadlineMs: 20_000,
      maxInFlight: 4,
      maxWaiting: 4,
      heldBytes: new ByteBudget(64 * 2 ** 20, "the function"),
      onRefusedReply: (_, reply) => this.refusedReplies.push(reply),
      onExpired: (expired) => this.expired.push(expired),
      ...options,
    });
    this.worker = this.addWorker();
    client.subscribe("work", { callback: (_, message) => this.dispatcher.dispatch(0, message) });
  }

  static async open(options: Partial<DispatcherOptions> = {}): Promise<DispatchBench> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNatsServer());
    const client = await connect({ servers: nats.url });
    stack.defer(async () => await client.close());
    const bench = new DispatchBench(client, options, stack.move());
    await client.flush();
    return bench;
  }

  addWorker(): Worker {
    return this.dispatcher.addWorker((overdue) => this.overdue.push(overdue));
  }

  /** A runner: the node's end of its link, and the calls that arrive at the other. */
  async runner(nodeOptions: LinkOptions = {}): Promise<FarEnd> {
    const directory = this.#stack.use(await temporaryDirectory());
    const path = join(directory.path, "link.sock");
    const server = createServer().listen(path);
    await once(server, "listening");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const socket = dial(path);
    const link = new Link((await accepted)[0], nodeOptions);
    const far = new Link(socket);
    server.close();
    const calls: IncomingCall[] = [];
    far.handle(TRIGGER_CODE, (call) => calls.push(call));
    this.#stack.defer(() => {
      link.close();
      far.close();
    });
    return { link, far, socket, calls };
  }

  async request(payload = ""): Promise<Msg> {
    return await this.client.request("work", payload, { timeout: 30_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
