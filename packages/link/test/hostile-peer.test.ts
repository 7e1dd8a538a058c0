import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameType, hello, INITIAL_CREDIT, type LinkOptions, MAX_DATA_BYTES, serveMethod } from "@nex/link";
import type { NexErrorCode } from "@nex/protocol";
import { linkPair } from "./support/link-pair.ts";
import { frameBytes, RawPeer, type RawFrame, u32 } from "./support/raw-peer.ts";

const { call, reply, error, cancel, data, credit, ping, pong, notify, goodbye } = FrameType;
const METHOD = 40;
const END = 1;
const STRANGER: LinkOptions = { admitted: false, helloMethod: hello.code };

interface Offence {
  readonly title: string;
  readonly frames: readonly (RawFrame | Buffer)[];
  readonly says: RegExp;
  readonly options?: LinkOptions;
}

const OFFENCES: readonly Offence[] = [
  { title: "a frame of an unknown type", frames: [{ type: 77 }], says: /unknown type 77/ },
  { title: "a frame longer than agreed", frames: [{ type: call, length: 5_000_000 }], says: /5000000 bytes/ },
  {
    title: "a call id twice at once",
    frames: [
      { type: call, method: METHOD, id: 5 },
      { type: call, method: METHOD, id: 5 },
    ],
    says: /call id 5 twice/,
  },
  {
    title: "stream data beyond its credit",
    frames: [
      { type: call, method: METHOD, id: 1 },
      ...Array.from({ length: 5 }, () => ({ type: data, id: 1, body: Buffer.alloc(INITIAL_CREDIT / 4) })),
    ],
    says: /more stream data than it had credit for/,
  },
  {
    title: "stream data after the stream's end",
    frames: [
      { type: call, method: METHOD, id: 1 },
      { type: data, id: 1, flags: END, body: "a" },
      { type: data, id: 1, body: "b" },
    ],
    says: /after the stream's end/,
  },
  {
    title: "a data frame larger than 64 KiB",
    frames: [
      { type: call, method: METHOD, id: 1 },
      { type: data, id: 1, body: Buffer.alloc(MAX_DATA_BYTES + 1) },
    ],
    says: /data frame of more than 65536 bytes/,
  },
  {
    title: "more credit than there can be",
    frames: [
      { type: call, method: METHOD, id: 1 },
      { type: credit, id: 1, body: u32(1) },
    ],
    says: /more credit/,
  },
  {
    title: "credit of the largest number",
    frames: [
      { type: call, method: METHOD, id: 1 },
      { type: credit, id: 1, body: u32(0xff_ff_ff_ff) },
    ],
    says: /more credit/,
  },
  {
    title: "a credit frame of the wrong size",
    frames: [{ type: credit, id: 1, body: "abc" }],
    says: /credit frame of the wrong size/,
  },
  {
    title: "a call before its hello",
    frames: [{ type: call, method: METHOD, id: 1 }],
    says: /before its hello/,
    options: STRANGER,
  },
  { title: "a ping before its hello", frames: [{ type: ping }], says: /before its hello/, options: STRANGER },
  {
    title: "a notification before its hello",
    frames: [{ type: notify, method: 4, body: "{}" }],
    says: /before its hello/,
    options: STRANGER,
  },
  {
    title: "a hello too long for one",
    frames: [{ type: call, method: hello.code, id: 1, length: 4097 }],
    says: /4097 bytes; at most 4096/,
    options: STRANGER,
  },
];

describe("A link whose peer sends", () => {
  for (const { title, frames, says, options } of OFFENCES) {
    it(`${title} closes with a reason, and tells the peer`, async () => {
      await using peer = await RawPeer.meet(options);
      peer.listen();
      // The handler takes the call and leaves it open; asking for its stream is what a handler does.
      peer.link.handle(METHOD, (incoming) => void incoming.stream);
      peer.send(...frames);
      const reason = await peer.link.closed;
      assert.equal(reason.code, "link_protocol" satisfies NexErrorCode);
      assert.match(reason.message, says);
      const said = await peer.goodbye();
      assert.equal(said.message, reason.message);
    });
  }
});

describe("A link takes in its stride", () => {
  const HARMLESS: readonly { readonly title: string; readonly frames: readonly RawFrame[] }[] = [
    { title: "a reply to an unknown call", frames: [{ type: reply, id: 99, body: "x" }] },
    { title: "an error for an unknown call", frames: [{ type: error, id: 99, body: "not JSON" }] },
    { title: "a cancel of an unknown call", frames: [{ type: cancel, id: 99 }] },
    {
      title: "data and credit for an unknown call",
      frames: [
        { type: data, id: 99, body: "x" },
        { type: data, id: 99, flags: 2 },
        { type: credit, id: 99, body: u32(9) },
      ],
    },
    { title: "a pong nobody asked for", frames: [{ type: pong }] },
    { title: "a notification of an unknown method", frames: [{ type: notify, method: 999, body: "x" }] },
    { title: "flags it does not know", frames: [{ type: ping, flags: 0xf0 }] },
  ];
  for (const { title, frames } of HARMLESS) {
    it(title, async () => {
      await using peer = await RawPeer.meet();
      peer.listen();
      peer.send(...frames, { type: ping, id: 7 });
      await peer.receive(pong);
      assert.equal(peer.link.isClosed, false);
    });
  }

  it("a call of an unknown method, and answers unknown_method", async () => {
    await using peer = await RawPeer.meet();
    peer.listen();
    peer.send({ type: call, method: 999, id: 3 });
    const answer = await peer.receive(error);
    assert.equal(answer.id, 3);
    assert.equal(JSON.parse(answer.body.toString()).code, "unknown_method");
    assert.equal(peer.link.isClosed, false);
  });
});

describe("A link closes, without more ado, when its peer", () => {
  it("sends five bytes and hangs up", async () => {
    await using peer = await RawPeer.meet();
    peer.socket.end(frameBytes({ type: call }).subarray(0, 5));
    assert.equal((await peer.link.closed).code, "link_closed");
  });

  it("announces a body and hangs up in the middle of it", async () => {
    await using peer = await RawPeer.meet();
    peer.socket.end(frameBytes({ type: call, length: 1000, body: "the beginning" }));
    assert.equal((await peer.link.closed).code, "link_closed");
  });

  it("says goodbye with something that is not JSON", async () => {
    await using peer = await RawPeer.meet();
    peer.send({ type: goodbye, body: "\xff{" });
    assert.equal((await peer.link.closed).code, "link_protocol");
  });

  it("says goodbye with an error from the future", async () => {
    await using peer = await RawPeer.meet();
    peer.send({ type: goodbye, body: '{"code":"from_the_future","message":"farewell","data":{"a":1}}' });
    const reason = await peer.link.closed;
    assert.deepEqual([reason.code, reason.message], ["internal", "farewell"]);
  });
});

describe("A bad peer", () => {
  it("does not touch another link of the same process", async () => {
    await using good = await linkPair();
    good.right.handle(METHOD, (incoming) => incoming.reply(incoming.body));
    for (const { frames, options } of OFFENCES) {
      await using bad = await RawPeer.meet(options);
      bad.send(...frames);
      assert.equal((await good.left.request(METHOD, Buffer.from("still here"))).toString(), "still here");
    }
  });

  it("that sends half a header and waits delays nobody", async () => {
    await using good = await linkPair();
    await using slow = await RawPeer.meet(STRANGER);
    slow.send(frameBytes({ type: call, method: hello.code }).subarray(0, 6));
    for (let round = 0; round < 100; round++) await good.left.ping();
    assert.equal(slow.link.isClosed, false, "how long a stranger may wait is for the owner of the link to say");
  });

  it("that says hello again reaches the handler, which decides, and stays admitted", async () => {
    await using peer = await RawPeer.meet(STRANGER);
    peer.listen();
    let hellos = 0;
    serveMethod(peer.link, hello, () => {
      hellos++;
      peer.link.admit();
      return { version: "1.0", max_payload: 1, invocation_prefix: "p" };
    });
    const body = JSON.stringify({ token: "t", role: "agent", version: "1.0" });
    peer.send(
      { type: call, method: hello.code, id: 1, body },
      { type: ping },
      { type: call, method: hello.code, id: 2, body },
    );
    await peer.receive(pong);
    await peer.receive(reply);
    await peer.receive(reply);
    assert.equal(hellos, 2);
  });
});
