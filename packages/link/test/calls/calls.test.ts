import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FrameType, type IncomingCall } from "@nex/link";
import { NexError } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { CallIds } from "../../src/calls/call-ids.ts";
import { linkPair } from "../support/link-pair.ts";
import { RawPeer } from "../support/raw-peer.ts";

const ECHO = 40;
const HOLD = 41;

describe("Calls", () => {
  it("go both ways at once, each to its own answer", async () => {
    await using pair = await linkPair();
    for (const link of [pair.left, pair.right]) link.handle(ECHO, (call) => setImmediate(() => call.reply(call.body)));
    const ask = async (from: typeof pair.left, text: string): Promise<void> => {
      assert.equal((await from.request(ECHO, Buffer.from(text))).toString(), text);
    };
    await Promise.all(
      Array.from(
        { length: 1000 },
        async (_, index) => await ask(index % 2 === 0 ? pair.left : pair.right, `call ${index}`),
      ),
    );
    assert.equal(pair.left.openCalls + pair.right.openCalls, 0);
  });

  it("may be answered in any order", async () => {
    await using pair = await linkPair();
    const held: IncomingCall[] = [];
    pair.right.handle(HOLD, (call) => held.push(call));
    const replies = Array.from(
      { length: 20 },
      async (_, index) => (await pair.left.request(HOLD, Buffer.from([index])))[0],
    );
    await waitFor(() => held.length === 20);
    for (const call of held.toReversed()) call.reply(call.body);
    assert.deepEqual(
      await Promise.all(replies),
      Array.from({ length: 20 }, (_, index) => index),
    );
  });

  it("carry head and payload of any size as one body", async () => {
    await using pair = await linkPair();
    pair.right.handle(ECHO, (call) => call.reply(call.body.subarray(0, 3), call.body.subarray(3)));
    for (const size of [0, 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 1024 * 1024]) {
      const payload = Buffer.alloc(size, "payload");
      const body = await new Promise<Buffer>((resolve, reject) => {
        pair.left.send(ECHO, Buffer.from("abc"), payload, Infinity, (error, found) =>
          error === undefined ? resolve(found) : reject(error),
        );
      });
      assert.ok(body.equals(Buffer.concat([Buffer.from("abc"), payload])), `${size} bytes`);
    }
  });

  it("that fail keep code, message and data", async () => {
    await using pair = await linkPair();
    pair.right.handle(ECHO, (call) =>
      call.fail(new NexError("artifact_corrupt", "Wrong hash.", { data: { sha256: "00", size: 3 } })),
    );
    await assert.rejects(pair.left.request(ECHO), {
      code: "artifact_corrupt",
      message: "Wrong hash.",
      data: { sha256: "00", size: 3 },
    });
  });

  it("that fail with more than a frame holds are told a shortened message", async () => {
    await using pair = await linkPair();
    pair.right.handle(ECHO, (call) =>
      call.fail(new NexError("function_failed", "\u0000".repeat(5_000_000), { data: { big: "x".repeat(100_000) } })),
    );
    await assert.rejects(
      pair.left.request(ECHO),
      (error: NexError) => error.code === "function_failed" && error.message.length < 5000,
    );
    await pair.left.ping();
  });

  it("that fail with data JSON has no form for keep code and message", async () => {
    await using pair = await linkPair();
    pair.right.handle(ECHO, (call) => call.fail(new NexError("function_failed", "Seen.", { data: { big: 1n } })));
    await assert.rejects(pair.left.request(ECHO), { code: "function_failed", message: "Seen." });
  });

  it("are answered once: what comes after the first answer is ignored", async () => {
    await using peer = await RawPeer.meet();
    peer.listen();
    peer.link.handle(ECHO, (call) => {
      call.reply(Buffer.from("first"));
      call.reply(Buffer.from("second"));
      call.fail(new NexError("internal", "third"));
    });
    peer.send({ type: FrameType.call, method: ECHO, id: 1 }, { type: FrameType.ping });
    await peer.receive(FrameType.pong);
    assert.deepEqual(
      peer.frames.map(({ type, body }) => [type, body.toString()]),
      [[FrameType.reply, "first"]],
    );
  });

  it("settle once each when the link closes, on both sides, and later ones at once", async () => {
    await using pair = await linkPair();
    const cancelled: string[] = [];
    pair.right.handle(HOLD, (call) => (call.onCancel = (reason) => cancelled.push(reason.code)));
    const settled: (string | undefined)[] = [];
    const open = (): void =>
      void pair.left.send(HOLD, undefined, undefined, 60_000, (error) => settled.push(error?.message));
    for (let index = 0; index < 50; index++) open();
    await waitFor(() => pair.right.openCalls === 0 && pair.left.openCalls === 50);
    await pair.left.ping();
    pair.left.close(new NexError("interrupted", "The end."));
    assert.equal(pair.left.openCalls, 0);
    open();
    await pair.right.closed;
    await turn();
    assert.deepEqual(settled, Array(51).fill("The end."));
    assert.deepEqual(cancelled, Array(50).fill("interrupted"));
  });

  it("settle once even if a settling call cancels itself and others, and calls again", async () => {
    await using pair = await linkPair();
    pair.right.handle(HOLD, () => undefined);
    const settled = new Map<number, number>();
    const ids: number[] = [];
    let late = 0;
    for (let index = 0; index < 5; index++) {
      ids.push(
        pair.left.send(HOLD, undefined, undefined, Infinity, () => {
          settled.set(index, (settled.get(index) ?? 0) + 1);
          for (const id of ids) pair.left.cancel(id, new NexError("cancelled", "Not any more."));
          pair.left.send(HOLD, undefined, undefined, Infinity, () => late++);
        }),
      );
    }
    pair.left.close();
    await turn();
    assert.deepEqual([...settled.values()], [1, 1, 1, 1, 1]);
    assert.equal(late, 5);
  });

  it("of a handler that throws close the link with the reason, and harm nobody else", async () => {
    await using pair = await linkPair();
    pair.right.handle(ECHO, () => {
      throw new TypeError("a bug");
    });
    await assert.rejects(pair.left.request(ECHO), { code: "internal", message: /a bug/ });
    assert.equal((await pair.right.closed).code, "internal");
  });
});

describe("What arrived before the connection ended", () => {
  it("is handled first, however much it is", async () => {
    await using peer = await RawPeer.meet();
    let seen = 0;
    peer.link.handleNotify(4, () => seen++);
    for (let count = 0; count < 5000; count++) peer.send({ type: FrameType.notify, method: 4, body: "x" });
    peer.socket.end();
    await peer.link.closed;
    assert.equal(seen, 5000);
  });
});

describe("Call ids", () => {
  it("start over after 2^32 - 1, without zero and without those in use", () => {
    const ids = new CallIds(0xff_ff_ff_fd);
    const inUse = new Map([
      [0xff_ff_ff_ff, null],
      [1, null],
      [2, null],
    ]);
    assert.deepEqual([ids.next(inUse), ids.next(inUse), ids.next(inUse)], [0xff_ff_ff_fe, 3, 4]);
  });
});

describe("ping", () => {
  it("tells how long the other side took", async () => {
    await using pair = await linkPair();
    const times = await Promise.all([pair.left.ping(), pair.left.ping(), pair.right.ping()]);
    for (const time of times) assert.ok(time >= 0 && time < 5000, String(time));
  });

  it("fails when the link closes before, and after", async () => {
    await using peer = await RawPeer.meet();
    const pending = peer.link.ping();
    peer.socket.end();
    await assert.rejects(pending, { code: "link_closed" });
    await assert.rejects(peer.link.ping(), { code: "link_closed" });
  });
});
