import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isNexError } from "@nex/protocol";
import { type Frame, FrameReader } from "@nex/link";
import { frameBytes, type RawFrame } from "../support/raw-peer.ts";

const MAX_BODY = 256 * 1024;

const rawFrame: fc.Arbitrary<RawFrame> = fc.record({
  type: fc.integer({ min: 1, max: 10 }),
  flags: fc.nat(255),
  method: fc.nat(65_535),
  id: fc.nat(0xff_ff_ff_ff),
  body: fc.oneof(
    { weight: 5, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    fc.constantFrom(0, 1, 16_383, 16_385, 65_535, 65_536, 65_537).map((size) => Buffer.alloc(size, size)),
  ),
});

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

function readAll(reader: FrameReader, chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.hasBytes) {
      const frame = reader.next();
      if (frame === undefined) break;
      frames.push(frame);
    }
    assert.equal(reader.hasBytes, false, "the reader left bytes of a chunk behind");
  }
  return frames;
}

function plain({ type, flags, method, id, body }: Frame): unknown {
  return { type, flags, method, id, body: Buffer.from(body).toString("hex") };
}

describe("FrameReader", () => {
  it("finds the same frames however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(rawFrame, { maxLength: 12 }),
        fc.array(fc.nat(2 ** 30), { maxLength: 40 }),
        (frames, places) => {
          const found = readAll(new FrameReader(MAX_BODY), cut(Buffer.concat(frames.map(frameBytes)), places));
          const expected = frames.map((frame) =>
            plain({ flags: 0, method: 0, id: 0, ...frame, body: Buffer.from(frame.body!) } as Frame),
          );
          assert.deepEqual(found.map(plain), expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("finds them when each byte comes alone", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ type: fc.integer({ min: 1, max: 10 }), body: fc.uint8Array({ maxLength: 30 }) }), {
          maxLength: 5,
        }),
        (frames) => {
          const bytes = Buffer.concat(frames.map(frameBytes));
          const chunks = Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1));
          assert.equal(readAll(new FrameReader(MAX_BODY), chunks).length, frames.length);
        },
      ),
    );
  });

  it("meets junk with nothing but link_protocol", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 }), { maxLength: 10 }), (chunks) => {
        try {
          readAll(
            new FrameReader(1024),
            chunks.map((chunk) => Buffer.from(chunk)),
          );
        } catch (error) {
          assert.ok(isNexError(error) && error.code === "link_protocol", String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("takes a body of exactly its limit and refuses one byte more before it arrives", () => {
    const reader = new FrameReader(100);
    assert.equal(readAll(reader, [frameBytes({ type: 1, body: Buffer.alloc(100) })])[0]?.body.length, 100);
    assert.throws(() => readAll(reader, [frameBytes({ type: 1, length: 101 })]), {
      code: "link_protocol",
      message: /101 bytes; at most 100/,
    });
  });

  it("refuses an oversize frame as soon as its header is whole, also across chunks", () => {
    const header = frameBytes({ type: 1, length: 0xff_ff_ff_ff });
    assert.throws(() => readAll(new FrameReader(MAX_BODY), [header.subarray(0, 5), header.subarray(5)]), {
      code: "link_protocol",
    });
  });

  it("refuses types below and above the known ones", () => {
    for (const type of [0, 11, 255]) {
      assert.throws(() => readAll(new FrameReader(MAX_BODY), [frameBytes({ type })]), {
        code: "link_protocol",
        message: new RegExp(`type ${type}`),
      });
    }
  });
});
