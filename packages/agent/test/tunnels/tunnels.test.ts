import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { callMethod, type IncomingCall, joinSocket, undeploy } from "@nex/link";
import { NexError } from "@nex/protocol";
import { NodeDouble } from "../support/node-double.ts";

const FUNCTION = "export default () => 'up'";

/** Greets, then says everything again. */
let server: Server;
let port: number;
before(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write("hello ");
    socket.pipe(socket);
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as { port: number });
});
after(() => server.close());

/** A node that joins every tunnel to the server, whatever its destination. */
async function joinToServer(_destination: string, call: IncomingCall): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await joinSocket(socket, call.stream);
}

async function say(host: string, text: string): Promise<string> {
  const socket = connect({ port, host, allowHalfOpen: true });
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

async function failureOf(socket: Socket): Promise<string | undefined> {
  return await new Promise((resolve) => {
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once("close", () => resolve(undefined));
    socket.resume();
  });
}

describe("A destination of the deploy", () => {
  it("appears in the sandbox under its name and port, also where another has the same port", async () => {
    const asked: string[] = [];
    await using node = await NodeDouble.start({
      onTunnel: async (destination, call) => {
        asked.push(destination);
        await joinToServer(destination, call);
      },
    });
    await node.deploy(FUNCTION, { connect: [`one.test:${port}`, `two.test:${port}`] });
    assert.equal(await readFile(node.hostsFile, "utf8"), "127.0.1.1\tone.test\n127.0.1.2\ttwo.test\n");
    assert.equal(await say("127.0.1.1", "to one"), "hello to one");
    assert.equal(await say("127.0.1.2", "to two"), "hello to two");
    assert.deepEqual(asked, [`one.test:${port}`, `two.test:${port}`]);
  });

  it("that the node does not reach resets the connection", async () => {
    await using node = await NodeDouble.start({
      onTunnel: async () => await Promise.reject(new NexError("tunnel_failed", "Nobody there.")),
    });
    await node.deploy(FUNCTION, { connect: [`one.test:${port}`] });
    assert.equal(await failureOf(connect(port, "127.0.1.1")), "ECONNRESET");
  });

  it("is withdrawn from the node when the workload resets its connection", async () => {
    const withdrawn = Promise.withResolvers<NexError>();
    await using node = await NodeDouble.start({
      onTunnel: async (_, call) => {
        call.onCancel = withdrawn.resolve;
        await call.stream.write(Buffer.from("x"));
        await withdrawn.promise;
      },
    });
    await node.deploy(FUNCTION, { connect: [`one.test:${port}`] });
    const socket = connect(port, "127.0.1.1");
    await once(socket, "data");
    socket.resetAndDestroy();
    assert.equal((await withdrawn.promise).code, "cancelled");
  });

  it("is gone when the workload is, and so are its connections", async () => {
    await using node = await NodeDouble.start({ onTunnel: joinToServer });
    await node.deploy(FUNCTION, { connect: [`one.test:${port}`] });
    const open = connect(port, "127.0.1.1");
    await once(open, "data");
    const ended = failureOf(open);
    await callMethod(await node.agent, undeploy, { grace_ms: 1000 });
    await ended;
    await node.ended;
    assert.equal(await failureOf(connect(port, "127.0.1.1")), "ECONNREFUSED");
  });

  it("whose address is taken fails the deploy, which says why", async () => {
    await using node = await NodeDouble.start({ onTunnel: joinToServer });
    const order = { connect: [`one.test:${port}`, `127.0.0.1:${port}`] };
    await assert.rejects(node.deploy(FUNCTION, order), {
      code: "deploy_failed",
      message: new RegExp(`The destination 127\\.0\\.0\\.1:${port} cannot appear.*EADDRINUSE`),
    });
    await node.ended;
    assert.equal(await failureOf(connect(port, "127.0.1.1")), "ECONNREFUSED");
  });

  it("whose name cannot be written down fails the deploy, which says why", async () => {
    await using node = await NodeDouble.start({ onTunnel: joinToServer });
    await mkdir(node.hostsFile);
    await assert.rejects(node.deploy(FUNCTION, { connect: [`one.test:${port}`] }), {
      code: "deploy_failed",
      message: /\(one\.test\) cannot be written into .*hosts.*EISDIR/,
    });
  });
});
