import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flag } from "../../src/frames/frame.ts";
import { type ByteStream, FrameType, INITIAL_CREDIT, type Link } from "@nex/link";
import { NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { RawPeer } from "../support/raw-peer.ts";

const MIB = 1024 * 1024;
const METHOD = 40;

/** A stream with as much to send as its peer gives credit for. */
function busyStream(link: Link): { stream: ByteStream; written: Promise<void>; cancel: () => void } {
  const withdraw = new AbortController();
  const { stream, reply } = link.open(METHOD, undefined, { signal: withdraw.signal });
  reply.catch(() => undefined);
  const written = stream.write(Buffer.alloc(INITIAL_CREDIT));
  written.catch(() => undefined);
  return { stream, written, cancel: () => withdraw.abort() };
}

describe("The streams of a link whose peer reads slowly", () => {
  it("leave room for what is not a stream: a ping waits behind little of their data", async () => {
    await using peer = await RawPeer.meet();
    const streams = Array.from({ length: 64 }, () => busyStream(peer.link));
    const ping = peer.link.ping();
    ping.catch(() => undefined);
    peer.listen();
    const place = await waitFor(() => peer.frames.findIndex(({ type }) => type === FrameType.ping) + 1);
    const ahead = peer.frames.slice(0, place).reduce((sum, frame) => sum + frame.body.length, 0);
    // What the link lets streams gather, and one frame of each of those whose turn it was.
    assert.ok(ahead < MIB, `${ahead} bytes of ${streams.length * INITIAL_CREDIT} were ahead of the ping`);
  });

  it("send one frame in turn", async () => {
    await using peer = await RawPeer.meet();
    const streams = Array.from({ length: 8 }, () => busyStream(peer.link));
    peer.listen();
    const total = (streams.length * INITIAL_CREDIT) / MIB;
    await waitFor(() => peer.frames.reduce((sum, { body }) => sum + body.length, 0) >= total * MIB);
    const order = peer.frames.filter(({ type }) => type === FrameType.data).map(({ id }) => id);
    // Those that came while nothing had to wait yet are through already.
    const rest = order.slice(order.lastIndexOf(2) + 1);
    const waited = [...new Set(rest)];
    assert.ok(waited.length > 4, order.join(" "));
    assert.deepEqual(rest, Array.from({ length: rest.length / waited.length }, () => waited).flat());
  });

  it("let go at once of a writer in line whose stream is over, though nothing moves", async () => {
    await using peer = await RawPeer.meet();
    busyStream(peer.link);
    busyStream(peer.link);
    const { written, cancel } = busyStream(peer.link);
    cancel();
    await assert.rejects(written, { code: "cancelled" });
    const { written: other } = busyStream(peer.link);
    peer.link.close(new NexError("interrupted", "Gone."));
    await assert.rejects(other, { code: "interrupted" });
  });

  it("go on when it was not a stream that filled the connection", async () => {
    await using peer = await RawPeer.meet();
    for (let round = 0; round < 8; round++) peer.link.notify(99, Buffer.alloc(MIB));
    const { stream, written } = busyStream(peer.link);
    peer.listen();
    await written;
    stream.end();
    await waitFor(() => peer.frames.some(({ type, flags }) => type === FrameType.data && (flags & Flag.end) !== 0));
    const { length } = peer.frames.filter(({ type }) => type === FrameType.data);
    assert.equal(length, INITIAL_CREDIT / (64 * 1024) + 1);
  });
});
