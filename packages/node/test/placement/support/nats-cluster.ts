import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { startNatsServer, type TestNats, waitFor } from "@nex/testing";

/** Three nats-servers on loopback with a JetStream of three copies. */
export class NatsCluster implements AsyncDisposable {
  readonly servers: TestNats[];
  readonly #stack: AsyncDisposableStack;

  private constructor(servers: TestNats[], stack: AsyncDisposableStack) {
    this.servers = servers;
    this.#stack = stack;
  }

  static async start(): Promise<NatsCluster> {
    await using stack = new AsyncDisposableStack();
    const routePorts = await freePorts(3);
    const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`);
    const servers = await Promise.all(
      routePorts.map(async (port, at) =>
        stack.use(
          await startNatsServer({
            jetstream: true,
            config: `server_name: s${at}\ncluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes.join(", ")}] }`,
          }),
        ),
      ),
    );
    const client = await connect({ servers: servers[0]!.url });
    try {
      // JetStream answers once the servers have chosen a leader.
      await waitFor(
        async () =>
          await (await jetstreamManager(client)).getAccountInfo().then(
            () => true,
            () => false,
          ),
        { message: "a JetStream leader", timeoutMs: 60_000 },
      );
    } finally {
      await client.close();
    }
    return new NatsCluster(servers, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Free when this returns, and most likely still a moment later. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => await once(server.close(), "close")));
  return ports;
}
