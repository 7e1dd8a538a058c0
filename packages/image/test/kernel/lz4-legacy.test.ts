import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isNexError } from "@nex/protocol";
import { decompressLz4Legacy, LZ4_LEGACY_MAGIC } from "../../src/kernel/lz4-legacy.ts";

/** Literals, then (but in the last one of a block) this many bytes from this far back. */
interface Sequence {
  readonly literals: Uint8Array;
  readonly distance: number;
  readonly length: number;
}

/** What sequences stand for, by the format's description alone. */
function expand(sequences: readonly Sequence[], last: Uint8Array): number[] {
  const output: number[] = [];
  for (const { literals, distance, length } of sequences) {
    output.push(...literals);
    for (let index = 0; index < length; index++) output.push(output[output.length - distance]!);
  }
  return [...output, ...last];
}

function encode(sequences: readonly Sequence[], last: Uint8Array): Buffer {
  const bytes: number[] = [];
  const extended = (length: number): number[] => {
    if (length < 15) return [];
    const rest = length - 15;
    return [...Array.from({ length: Math.floor(rest / 255) }, () => 255), rest % 255];
  };
  for (const { literals, distance, length } of sequences) {
    bytes.push(
      (Math.min(literals.length, 15) << 4) | Math.min(length - 4, 15),
      ...extended(literals.length),
      ...literals,
    );
    bytes.push(distance & 255, distance >> 8, ...extended(length - 4));
  }
  bytes.push(Math.min(last.length, 15) << 4, ...extended(last.length), ...last);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  return Buffer.concat([size, Buffer.from(bytes)]);
}

const block = fc
  .array(
    fc.record({
      literals: fc.uint8Array({ minLength: 1, maxLength: 600 }),
      distance: fc.integer({ min: 1, max: 40 }),
      length: fc.integer({ min: 4, max: 700 }),
    }),
    { maxLength: 20 },
  )
  .map((sequences) => {
    // A match cannot begin before the block.
    let written = 0;
    return sequences.map((sequence) => {
      written += sequence.literals.length;
      const distance = Math.min(sequence.distance, written);
      written += sequence.length;
      return { ...sequence, distance };
    });
  });

describe("the LZ4 decoder", () => {
  it("gives back what was packed, overlapping matches and long lengths among it", () => {
    const blocks = fc.array(fc.tuple(block, fc.uint8Array({ maxLength: 300 })), { maxLength: 3 });
    fc.assert(
      fc.property(blocks, (parts) => {
        const stream = Buffer.concat([LZ4_LEGACY_MAGIC, ...parts.map(([sequences, last]) => encode(sequences, last))]);
        const expected = parts.flatMap(([sequences, last]) => expand(sequences, last));
        assert.ok(decompressLz4Legacy(stream).equals(Buffer.from(expected)));
      }),
    );
  });

  it("stops at the size that the kernel's build puts at the end", () => {
    const stream = Buffer.concat([LZ4_LEGACY_MAGIC, encode([], Buffer.from("kernel")), Buffer.from([0, 0, 0, 7])]);
    assert.equal(decompressLz4Legacy(stream).toString(), "kernel");
  });

  it("throws an error of ours for damaged data, or takes them for other data", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (junk) => {
        const size = Buffer.alloc(4);
        size.writeUInt32LE(junk.length);
        try {
          decompressLz4Legacy(Buffer.concat([LZ4_LEGACY_MAGIC, size, junk]));
        } catch (error) {
          assert.ok(isNexError(error) && error.code === "image_failed", String(error));
        }
      }),
    );
    const beforeTheBegin = encode([{ literals: new Uint8Array(1), distance: 2, length: 4 }], new Uint8Array(0));
    assert.throws(() => decompressLz4Legacy(Buffer.concat([LZ4_LEGACY_MAGIC, beforeTheBegin])), isNexError);
  });
});
