import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decode, FrameType, type LinkLogRecord, logBatch, LOGS_CODE, type Link } from "@nex/link";
import { linkPair } from "./support/link-pair.ts";
import { frameBytes, RawPeer, type RawFrame } from "./support/raw-peer.ts";

const PINGS = 60;

/** Keeps the socket full of the same frames until told to stop. */
function flood(peer: RawPeer, frame: RawFrame, copies: number): () => void {
  const batch = Buffer.concat(Array.from({ length: copies }, () => frameBytes(frame)));
  let isOn = true;
  const send = (): void => {
    for (let isTaken = isOn; isTaken; isTaken = isOn && peer.socket.write(batch));
  };
  peer.socket.on("drain", send);
  send();
  return () => (isOn = false);
}

async function medianPing(link: Link): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < PINGS; round++) times.push(await link.ping());
  return times.sort((a, b) => a - b)[PINGS / 2]!;
}

const record: LinkLogRecord = { at: 1, level: "info", stream: "console", text: "x".repeat(20) };

describe("A link that is flooded with", () => {
  const FLOODS: readonly { readonly title: string; readonly frame: RawFrame; readonly copies: number }[] = [
    { title: "empty notifications", frame: { type: FrameType.notify, method: 999 }, copies: 4000 },
    {
      title: "large notifications",
      frame: { type: FrameType.notify, method: 999, body: Buffer.alloc(1024 * 1024) },
      copies: 1,
    },
    { title: "replies to nothing", frame: { type: FrameType.reply, id: 9, body: Buffer.alloc(100) }, copies: 4000 },
    {
      title: "full batches of log records",
      frame: {
        type: FrameType.notify,
        method: LOGS_CODE,
        body: JSON.stringify({ records: Array.from({ length: 1000 }, () => record), dropped: 0 }),
      },
      copies: 4,
    },
  ];
  for (const { title, frame, copies } of FLOODS) {
    it(`${title} leaves another link of the process quick`, async (test) => {
      await using quiet = await linkPair();
      await using loud = await RawPeer.meet();
      let taken = 0;
      loud.link.handleNotify(LOGS_CODE, (body) => (taken += decode("logs", logBatch, body).records.length));
      const alone = await medianPing(quiet.left);
      const stop = flood(loud, frame, copies);
      const beside = await medianPing(quiet.left);
      stop();
      test.diagnostic(`${alone.toFixed(2)} ms alone, ${beside.toFixed(2)} ms beside the flood, ${taken} records`);
      assert.equal(loud.link.isClosed, false);
      // The flood's writer shares this event loop, so the bound is generous: without a budget it is hundreds of ms.
      assert.ok(beside < alone * 20 + 50, `${alone} ms alone, ${beside} ms beside the flood`);
    });
  }
});
