import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as dial, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { isNexError } from "@nex/protocol";
import { startNatsServer, waitFor } from "@nex/testing";
import { TestSystem } from "../support/system.ts";

/** A fixed address behind which the server can be killed and another one put in its place. */
class Doorway implements AsyncDisposable {
  target: number | undefined;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor() {
    this.#server = createServer((socket) => {
      if (this.target === undefined) {
        socket.resetAndDestroy();
        return;
      }
      const other = dial(this.target, "127.0.0.1");
      for (const each of [socket, other]) {
        this.#sockets.add(each);
        each.on("error", () => undefined);
        each.on("close", () => {
          this.#sockets.delete(each);
          socket.destroy();
          other.destroy();
        });
      }
      socket.pipe(other).pipe(socket);
    });
  }

  static async open(): Promise<Doorway> {
    const doorway = new Doorway();
    doorway.#server.listen(0, "127.0.0.1");
    await once(doorway.#server, "listening");
    return doorway;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  shut(): void {
    this.target = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const OK = `export default () => "ok";`;

test("after a restart of the NATS server the triggers work again", async () => {
  await using doorway = await Doorway.open();
  await using system = await TestSystem.start({
    url: (nats) => {
      doorway.target = nats.port;
      return doorway.url;
    },
  });
  await system.deploy(OK, { triggers: ["a.*", "b"] });
  assert.equal((await system.request("b")).string(), "ok");
  doorway.shut();
  await system.nats.stop();
  await using next = await startNatsServer();
  doorway.target = next.port;
  const client = await connect({ servers: next.url });
  try {
    for (const subject of ["a.x", "b"]) {
      const reply = await waitFor(async () => await client.request(subject, "", { timeout: 5000 }), {
        timeoutMs: 20_000,
      });
      assert.equal(reply.string(), "ok");
    }
    await system.supervisor.stop("default", "fn");
    await assert.rejects(client.request("b", "", { timeout: 5000 }), /no responders/i);
  } finally {
    await client.close();
  }
});

test("while the NATS server is away workloads can be stopped, deploys fail, and nothing of either comes back with it", async () => {
  await using doorway = await Doorway.open();
  await using system = await TestSystem.start({
    url: (nats) => {
      doorway.target = nats.port;
      return doorway.url;
    },
  });
  await system.deploy(OK, { name: "stopped" });
  await system.deploy(OK, { name: "kept" });
  const { target } = doorway;
  doorway.shut();
  await system.supervisor.stop("default", "stopped");
  const lost = (error: unknown): boolean => isNexError(error) && error.code === "connection_failed";
  await assert.rejects(system.deploy(OK, { name: "late" }), lost);
  doorway.target = target;
  assert.equal((await waitFor(async () => await system.request("kept"), { timeoutMs: 20_000 })).string(), "ok");
  for (const subject of ["stopped", "late"]) {
    await assert.rejects(system.client.request(subject, "", { timeout: 5000 }), /no responders/i);
  }
});
