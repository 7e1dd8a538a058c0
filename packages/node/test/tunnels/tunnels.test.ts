import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { describe, it } from "node:test";
import { type ByteStream, MAX_TUNNELS, tunnel } from "@nex/link";
import type { NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { serveTunnels } from "../../src/tunnels/tunnels.ts";
import { linkPair, type LinkPair } from "../support/link-pair.ts";

/** A server of the outside, a node that may dial it, and a guest. */
class Outside implements AsyncDisposable {
  readonly notes: string[] = [];
  readonly sockets: Socket[] = [];
  readonly destination: string;
  readonly pair: LinkPair;
  readonly #server: Server;

  private constructor(pair: LinkPair, server: Server, named: readonly string[]) {
    this.pair = pair;
    this.#server = server;
    const { port } = server.address() as { port: number };
    this.destination = `127.0.0.1:${port}`;
    serveTunnels({
      link: pair.node,
      destinations: [this.destination, ...named],
      note: (line) => this.notes.push(line),
    });
    server.on("connection", (socket: Socket) => {
      socket.on("error", () => undefined);
      this.sockets.push(socket);
    });
  }

  static async start(...named: string[]): Promise<Outside> {
    const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Outside(await linkPair(), server, named);
  }

  /** What the guest has of a tunnel. */
  open(destination = this.destination): { stream: ByteStream; reply: Promise<Buffer>; withdraw: () => void } {
    const controller = new AbortController();
    const { stream, reply } = this.pair.guest.open(tunnel.code, Buffer.from(JSON.stringify({ destination })), {
      signal: controller.signal,
    });
    reply.catch(() => undefined);
    return { stream, reply, withdraw: () => controller.abort() };
  }

  /** The connection of the n-th tunnel, as the server sees it. */
  async socket(index = 0): Promise<Socket> {
    return await waitFor(() => this.sockets[index], { message: `connection ${index}` });
  }

  /** Connections that the node has neither ended nor reset. They must be read for that to show. */
  get openSockets(): number {
    return this.sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pair[Symbol.asyncDispose]();
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += chunk.toString();
  return all;
}

describe("The node's end of tunnels", () => {
  it("carries bytes to a destination that the deploy named, and back, each side ending by itself", async () => {
    await using outside = await Outside.start();
    const { stream, reply } = outside.open();
    await stream.write(Buffer.from("question"));
    stream.end();
    const socket = await outside.socket();
    assert.equal(await text(socket.iterator({ destroyOnReturn: false })), "question");
    socket.end("answer");
    assert.equal(await text(stream), "answer");
    assert.equal((await reply).toString(), "null");
    assert.deepEqual(outside.notes, []);
  });

  it("resolves names", async () => {
    await using outside = await Outside.start();
    const [, port] = outside.destination.split(":");
    await using other = await Outside.start(`localhost:${port}`);
    const { stream } = other.open(`localhost:${port}`);
    (await outside.socket()).end("found");
    assert.equal(await text(stream), "found");
  });

  for (const destination of ["127.0.0.1:1", "db.example.com:5432", "", "x".repeat(300), "127.0.0.1:22\nx"]) {
    it(`closes the link that asks for ${JSON.stringify(destination.slice(0, 30))}, which no deploy named`, async () => {
      await using outside = await Outside.start();
      const { reply } = outside.open(destination);
      await assert.rejects(reply, { code: "link_protocol" });
      assert.equal((await outside.pair.node.closed).code, "link_protocol");
      assert.match(outside.notes.join("\n"), /asks for a tunnel to .*, which no deploy named/);
      assert.equal(outside.sockets.length, 0);
    });
  }

  it("tells the workload's log why a destination cannot be reached, and the sandbox only that", async () => {
    await using gone = await Outside.start();
    const closed = gone.destination;
    await gone[Symbol.asyncDispose]();
    await using outside = await Outside.start(closed, "no-such-host.invalid:80");
    await assert.rejects(outside.open(closed).reply, {
      code: "tunnel_failed",
      message: "The destination cannot be reached.",
    });
    assert.match(outside.notes[0]!, new RegExp(`^${closed} cannot be reached: .*ECONNREFUSED`));
    await assert.rejects(
      outside.open("no-such-host.invalid:80").reply,
      (error: NexError) => !/invalid/.test(error.message),
    );
    assert.match(outside.notes[1]!, /^no-such-host\.invalid:80 cannot be reached: .*(ENOTFOUND|EAI_AGAIN)/);
    assert.equal(outside.pair.node.isClosed, false);
  });

  it("does not fill the log of a workload that tries again and again", async () => {
    await using gone = await Outside.start();
    await gone[Symbol.asyncDispose]();
    await using outside = await Outside.start(gone.destination);
    for (let round = 0; round < 50; round++) await assert.rejects(outside.open(gone.destination).reply);
    assert.ok(outside.notes.length > 1 && outside.notes.length < 10, `${outside.notes.length} lines`);
  });

  it("resets the outside when the guest withdraws, and the guest's stream when the outside resets", async () => {
    await using outside = await Outside.start();
    const first = outside.open();
    await first.stream.write(Buffer.from("x"));
    const socket = await outside.socket();
    const error = new Promise((resolve) => socket.once("error", resolve));
    socket.resume();
    first.withdraw();
    assert.equal(((await error) as NodeJS.ErrnoException).code, "ECONNRESET");
    const second = outside.open();
    (await outside.socket(1)).resetAndDestroy();
    await assert.rejects(text(second.stream), { code: "tunnel_failed" });
    assert.match(outside.notes.join("\n"), /The connection to .* broke: .*ECONNRESET/);
  });

  it("cuts off every connection when the link closes", async () => {
    await using outside = await Outside.start();
    for (let index = 0; index < 5; index++) outside.open();
    await outside.socket(4);
    for (const socket of outside.sockets) socket.resume();
    outside.pair.guest.close();
    await waitFor(() => outside.openSockets === 0, { message: "the connections to end" });
  });

  it("takes no more than so many at once, says so, and goes on when there is room again", async () => {
    await using outside = await Outside.start();
    const open = Array.from({ length: MAX_TUNNELS }, () => outside.open());
    await assert.rejects(outside.open().reply, { code: "overloaded" });
    assert.match(outside.notes.join("\n"), /as many as it may have/);
    open[0]!.withdraw();
    const { stream } = outside.open();
    await stream.write(Buffer.from("again"));
    await waitFor(() => outside.sockets.some((socket) => socket.bytesRead > 0 || socket.readableLength > 0));
  });

  it("leaves nothing behind for a guest that opens and withdraws as fast as it can", async () => {
    await using outside = await Outside.start();
    for (let round = 0; round < 500; round++) {
      const { stream, withdraw } = outside.open();
      stream.write(Buffer.from("x")).catch(() => undefined);
      withdraw();
    }
    await outside.pair.guest.ping();
    const { stream } = outside.open();
    await stream.write(Buffer.from("still here"));
    await waitFor(() => {
      for (const socket of outside.sockets) socket.resume();
      return outside.openSockets === 1;
    });
  });

  it("looks a name up once at a time, however many connections wait for it", async () => {
    await using outside = await Outside.start("no-such-host.invalid:80");
    let lookups = 0;
    const hook = createHook({
      init(_, type) {
        if (type === "GETADDRINFOREQWRAP") lookups++;
      },
    }).enable();
    const all = Array.from({ length: 60 }, () => outside.open("no-such-host.invalid:80").reply);
    await Promise.allSettled(all);
    hook.disable();
    assert.ok(lookups >= 1 && lookups < 10, `${lookups} look-ups`);
  });

  it("holds back an outside whose bytes the guest does not read", async () => {
    await using outside = await Outside.start();
    outside.open();
    const socket = await outside.socket();
    const block = Buffer.alloc(1024 * 1024);
    let [last, still, taken] = [-1, 0, 0];
    await waitFor(() => {
      while (taken < 256 && socket.writableLength === 0) {
        socket.write(block);
        taken++;
      }
      still = taken === last ? still + 1 : 0;
      last = taken;
      return still > 20;
    });
    assert.ok(taken < 64, `${taken} MiB were taken`);
    assert.ok((await outside.pair.guest.ping()) < 5000);
  });
});
