import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameType, HEADER_BYTES, INITIAL_CREDIT } from "@nex/link";
import { NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { frameBytes, RawPeer, type RawFrame } from "./support/raw-peer.ts";

const MIB = 1024 * 1024;
const METHOD = 40;

/** Goes on sending until the link closes; what the peer is sent piles up, since it never reads. */
async function flood(peer: RawPeer, make: (id: number) => RawFrame): Promise<void> {
  for (let id = 1; !peer.link.isClosed;) {
    const frames: Buffer[] = [];
    for (let count = 0; count < 2000; count++) frames.push(frameBytes(make(id++)));
    if (!peer.socket.write(Buffer.concat(frames)))
      await Promise.race([new Promise((resolve) => peer.socket.once("drain", resolve)), peer.link.closed]);
  }
}

const FLOODS: readonly { readonly title: string; readonly make: (id: number) => RawFrame }[] = [
  { title: "pings", make: () => ({ type: FrameType.ping }) },
  { title: "calls of a method there is not", make: (id) => ({ type: FrameType.call, method: 999, id }) },
  { title: "calls with large answers", make: (id) => ({ type: FrameType.call, method: METHOD, id }) },
  { title: "calls with large errors", make: (id) => ({ type: FrameType.call, method: METHOD + 1, id }) },
];

describe("A peer that never reads cannot fill our memory with", () => {
  for (const { title, make } of FLOODS) {
    it(title, async () => {
      await using peer = await RawPeer.meet({ maxBody: MIB });
      const large = Buffer.alloc(4096);
      peer.link.handle(METHOD, (call) => call.reply(large));
      peer.link.handle(METHOD + 1, (call) => call.fail(new NexError("internal", large.toString())));
      await flood(peer, make);
      const reason = await peer.link.closed;
      assert.equal(reason.code, "link_protocol");
      assert.match(reason.message, /does not read the answers/);
    });
  }
});

describe("A peer that leaves calls open", () => {
  it("is told overloaded past the limit, and served again below it", async () => {
    await using peer = await RawPeer.meet({ maxIncomingCalls: 10 });
    peer.listen();
    const open: (() => void)[] = [];
    peer.link.handle(METHOD, (call) => open.push(() => call.reply()));
    for (let id = 1; id <= 11; id++) peer.send({ type: FrameType.call, method: METHOD, id });
    const refused = await peer.receive(FrameType.error);
    assert.equal(refused.id, 11);
    assert.equal(JSON.parse(refused.body.toString()).code, "overloaded");
    open[0]?.();
    await peer.receive(FrameType.reply);
    peer.send({ type: FrameType.call, method: METHOD, id: 12 });
    await waitFor(() => open.length === 11, { message: "the call after the limit" });
  });

  it("and sends their stream a byte at a time holds few pieces of memory", async () => {
    await using peer = await RawPeer.meet();
    let stream: AsyncIterable<Buffer> | undefined;
    peer.link.handle(METHOD, (call) => (stream = call.stream));
    peer.send({ type: FrameType.call, method: METHOD, id: 1 });
    const byte = frameBytes({ type: FrameType.data, id: 1, body: "x" });
    assert.equal(byte.length, HEADER_BYTES + 1);
    const batch = Buffer.concat(Array.from({ length: 1024 }, () => byte));
    for (let sent = 0; sent < INITIAL_CREDIT; sent += 1024) peer.socket.write(batch);
    peer.send({ type: FrameType.data, id: 1, flags: 1 });
    const sizes: number[] = [];
    for await (const chunk of await waitFor(() => stream)) {
      if (sizes.length === 0) await waitFor(() => peer.socket.writableLength === 0);
      sizes.push(chunk.length);
    }
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      INITIAL_CREDIT,
    );
    assert.ok(sizes.length < 20_000, `${sizes.length} pieces`);
  });
});
