import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Frame, FrameReader, FrameType, FrameWriter } from "@nex/link";

const KIB = 1024;
const SIZES = [
  0,
  1,
  2,
  16 * KIB - 1,
  16 * KIB,
  16 * KIB + 1,
  64 * KIB - 12,
  64 * KIB - 1,
  64 * KIB,
  64 * KIB + 1,
  1024 * KIB,
];

async function written(write: (writer: FrameWriter) => void): Promise<{ frames: Frame[]; writes: number }> {
  const stream = new PassThrough({ highWaterMark: 64 * KIB * KIB });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  write(new FrameWriter(stream));
  await turn();
  const reader = new FrameReader(64 * KIB * KIB);
  const frames: Frame[] = [];
  reader.push(Buffer.concat(chunks));
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  assert.equal(reader.hasBytes, false);
  return { frames, writes: chunks.length };
}

function pattern(size: number, seed: number): Buffer {
  return Buffer.alloc(size, `${seed}:abcdefg`);
}

describe("FrameWriter", () => {
  it("writes what the reader reads, for every mixture of sizes", async () => {
    const size = fc.constantFrom(...SIZES);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(size, size), { maxLength: 8 }), async (pairs) => {
        const { frames } = await written((writer) => {
          for (const [index, [head, payload]] of pairs.entries()) {
            writer.write(
              FrameType.call,
              index,
              index + 1,
              index + 2,
              pattern(head, index),
              pattern(payload, index + 100),
            );
          }
        });
        assert.equal(frames.length, pairs.length);
        for (const [index, [head, payload]] of pairs.entries()) {
          const { type, flags, method, id, body } = frames[index]!;
          assert.deepEqual([type, flags, method, id], [FrameType.call, index, index + 1, index + 2]);
          assert.ok(
            body.equals(Buffer.concat([pattern(head, index), pattern(payload, index + 100)])),
            `body of ${head} + ${payload} bytes`,
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it("carries every boundary size alone, with and without a head", async () => {
    for (const size of SIZES) {
      const { frames } = await written((writer) => {
        writer.write(FrameType.reply, 0, 0, 7, undefined, pattern(size, 1));
        writer.write(FrameType.reply, 0, 0, 8, pattern(size, 2));
      });
      assert.ok(frames[0]?.body.equals(pattern(size, 1)), `payload of ${size}`);
      assert.ok(frames[1]?.body.equals(pattern(size, 2)), `head of ${size}`);
    }
  });

  it("gathers the small frames of one turn into one write", async () => {
    const { frames, writes } = await written((writer) => {
      for (let id = 1; id <= 100; id++) writer.write(FrameType.reply, 0, 0, id, undefined, pattern(100, id));
    });
    assert.equal(frames.length, 100);
    assert.equal(writes, 1);
  });

  it("keeps small bodies as they were when written, since their memory is used again", async () => {
    const body = Buffer.from("before");
    const { frames } = await written((writer) => {
      writer.write(FrameType.reply, 0, 0, 1, undefined, body);
      body.write("after!");
    });
    assert.equal(frames[0]?.body.toString(), "before");
  });

  it("counts the bytes that nobody has taken", async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const writer = new FrameWriter(stream);
    writer.write(FrameType.reply, 0, 0, 1, undefined, pattern(1000, 1));
    assert.equal(writer.pendingBytes, 1012, "gathered");
    stream.cork();
    writer.flush();
    assert.equal(writer.pendingBytes, 1012, "handed on");
    stream.uncork();
    stream.resume();
    await turn();
    assert.equal(writer.pendingBytes, 0, "taken");
  });

  it("stays silent on a stream that is destroyed", async () => {
    const stream = new PassThrough();
    const writer = new FrameWriter(stream);
    stream.destroy();
    writer.write(FrameType.reply, 0, 0, 1, undefined, pattern(10, 1));
    writer.write(FrameType.reply, 0, 0, 1, undefined, pattern(20 * KIB, 1));
    writer.write(FrameType.reply, 0, 0, 1, pattern(70 * KIB, 1));
    await turn();
    assert.equal(stream.destroyed, true);
  });
});
