import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import type { NexError } from "@nex/protocol";
import { startNatsServer, waitFor } from "@nex/testing";
import { openNodeConnection, serverUrls } from "../../src/connections/node-connection.ts";

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

describe("openNodeConnection", () => {
  it("names the URL of a server that is not there, without the password in it", async () => {
    const port = await freePort();
    await assert.rejects(openNodeConnection({ servers: `nats://me:secret@127.0.0.1:${port}` }), (error: NexError) => {
      assert.equal(error.code, "connection_failed");
      assert.match(error.message, new RegExp(`nats://127\\.0\\.0\\.1:${port} .*refused`));
      assert.doesNotMatch(error.message + JSON.stringify(error.data), /secret/);
      return true;
    });
  });

  it("names a host that does not exist", async () => {
    await assert.rejects(openNodeConnection({ servers: "nats://nowhere.invalid:4222" }), (error: NexError) => {
      assert.equal(error.code, "connection_failed");
      assert.match(error.message, /nowhere\.invalid/);
      return true;
    });
  });

  it("gives up on something that listens and says nothing", async () => {
    await using stack = new AsyncDisposableStack();
    // nats.js leaves its end of the socket open, so this one has to close it.
    const silent = createServer((socket) => stack.defer(() => void socket.destroy())).listen(0, "127.0.0.1");
    stack.defer(() => void silent.close());
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    await assert.rejects(openNodeConnection({ port, timeout: 200 }), (error: NexError) => {
      assert.equal(error.code, "connection_failed");
      assert.match(error.message, /did not answer within 200 ms/);
      return true;
    });
  });

  it("tells refused credentials from a server that is away, and says whose they are", async () => {
    await using server = await startNatsServer({ auth: { user: "node", password: "right" } });
    for (const login of [{ user: "node", pass: "wrong" }, {}, { token: "x" }]) {
      await assert.rejects(
        openNodeConnection({ servers: server.url, ...login }, 'namespace "orders"'),
        (error: NexError) => {
          assert.equal(error.code, "authentication_failed");
          assert.match(error.message, /namespace "orders"/);
          assert.match(error.message, new RegExp(server.url));
          return true;
        },
      );
    }
    await using connection = await openNodeConnection({ servers: server.url, user: "node", pass: "right" });
    assert.equal(connection.info?.auth_required, true);
  });

  it("comes back by itself after the server was away", async () => {
    await using servers = new AsyncDisposableStack();
    const first = servers.use(await startNatsServer());
    await using connection = await openNodeConnection({ servers: first.url });
    const seen: string[] = [];
    void (async () => {
      for await (const status of connection.status()) seen.push(status.type);
    })();
    await first.stop();
    await waitFor(() => seen.includes("disconnect"), { message: "the loss to be noticed" });
    servers.use(await startNatsServer({ port: first.port }));
    await waitFor(() => seen.includes("reconnect"), { message: "the connection to come back" });
  });
});

describe("serverUrls", () => {
  it("shows where to, with a scheme and without credentials", () => {
    assert.deepEqual(serverUrls({ servers: "a:1, tls://u:p@b:2" }), ["nats://a:1", "tls://b:2"]);
    assert.deepEqual(serverUrls({ servers: ["nats://token@c:3"] }), ["nats://c:3"]);
    assert.deepEqual(serverUrls({ servers: "nats://u:p@ss@d:4" }), ["nats://d:4"]);
    assert.deepEqual(serverUrls({ port: 5 }), ["nats://127.0.0.1:5"]);
    assert.deepEqual(serverUrls({}), ["nats://127.0.0.1:4222"]);
  });
});
