import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type ByteStream, INITIAL_CREDIT, joinSocket } from "@nex/link";
import { waitFor } from "@nex/testing";
import { linkPair } from "../support/link-pair.ts";
import { connectedSockets, METHOD, tcpTunnel } from "../support/tcp-tunnel.ts";

const MIB = 1024 * 1024;

/** Writes that many blocks and ends. Resolves with their hash. */
async function pour(socket: Socket, blocks: number): Promise<string> {
  const hash = createHash("sha256");
  for (let index = 0; index < blocks; index++) {
    const block = randomBytes(MIB);
    hash.update(block);
    if (!socket.write(block)) await once(socket, "drain");
  }
  socket.end();
  return hash.digest("hex");
}

async function drink(socket: Socket): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest("hex") };
}

/** What a socket ends with: the code of its error, or "end" for an orderly one. */
async function ending(socket: Socket): Promise<string> {
  let code = "end";
  socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? "error"));
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
  return code;
}

describe("A socket joined to a stream", () => {
  it("carries 32 MiB each way at once, unchanged, and ends in order", async () => {
    await using tunnel = await tcpTunnel();
    const { inside, outside } = tunnel;
    const [sent, answered, found, received] = await Promise.all([
      pour(inside, 32),
      pour(outside, 32),
      drink(outside),
      drink(inside),
    ]);
    assert.deepEqual(found, { size: 32 * MIB, sha256: sent });
    assert.deepEqual(received, { size: 32 * MIB, sha256: answered });
    assert.deepEqual([inside.errored, outside.errored], [null, null]);
  });

  for (const first of ["inside", "outside"] as const) {
    it(`passes on that ${first} has no more to say, while the other side goes on`, async () => {
      await using tunnel = await tcpTunnel();
      const [asks, answers] = first === "inside" ? [tunnel.inside, tunnel.outside] : [tunnel.outside, tunnel.inside];
      asks.end("question");
      assert.equal((await drink(answers)).size, 8);
      const answer = pour(answers, 4);
      assert.deepEqual(await drink(asks), { size: 4 * MIB, sha256: await answer });
    });

    it(`passes on that ${first} was reset`, async () => {
      await using tunnel = await tcpTunnel();
      const { inside, outside } = tunnel;
      inside.write("a");
      await once(outside, "data");
      const [resets, other] = first === "inside" ? [inside, outside] : [outside, inside];
      const seen = ending(other);
      resets.resetAndDestroy();
      assert.equal(await seen, "ECONNRESET");
    });
  }

  it("sends its last bytes on when it has closed before there was credit for them", async () => {
    await using pair = await linkPair();
    await using stack = new AsyncDisposableStack();
    const [inside, left] = await connectedSockets(stack);
    const called = Promise.withResolvers<ByteStream>();
    pair.right.handle(METHOD, (call) => called.resolve(call.stream));
    const { stream, reply } = pair.left.open(METHOD);
    reply.catch(() => undefined);
    const joined = joinSocket(left, stream);
    const other = await called.promise;
    other.end();
    const sent = Buffer.alloc(INITIAL_CREDIT + 1000, "x");
    inside.end(sent);
    inside.resume();
    await waitFor(() => left.closed, { message: "the socket to close" });
    let size = 0;
    for await (const chunk of other) size += chunk.length;
    await joined;
    assert.equal(size, sent.length);
  });

  it("holds back who writes while nobody reads, and loses nothing", async () => {
    await using tunnel = await tcpTunnel();
    const { inside, outside } = tunnel;
    const before = process.memoryUsage().arrayBuffers;
    const block = Buffer.alloc(MIB, "x");
    let taken = 0;
    const writing = (async () => {
      for (; taken < 256; taken++) if (!inside.write(block)) await once(inside, "drain");
      inside.end();
    })();
    // Buffers of the kernel fill first; when nothing has moved for a while they are full, and so is the stream.
    let [last, still] = [-1, 0];
    await waitFor(
      async () => {
        await turn();
        still = taken === last ? still + 1 : 0;
        last = taken;
        return still > 20;
      },
      { message: "the writer to be held back" },
    );
    assert.ok(taken < 128, `${taken} MiB were taken though nobody reads`);
    const held = (process.memoryUsage().arrayBuffers - before) / MIB;
    assert.ok(held < 16, `${held} MiB are held`);
    assert.equal((await drink(outside)).size, 256 * MIB);
    await writing;
  });
});
