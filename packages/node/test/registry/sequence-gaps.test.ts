import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SequenceGaps } from "../../src/registry/sequence-gaps.ts";

test("writes that were all told of leave no gap, in whatever order; one that was not leaves one", () => {
  const count = fc.integer({ min: 1, max: 40 });
  const order = count.chain((size) =>
    fc.shuffledSubarray(
      Array.from({ length: size }, (_, at) => at + 1),
      { minLength: size },
    ),
  );
  fc.assert(
    fc.property(order, fc.nat(), (told, missing) => {
      const whole = new SequenceGaps();
      for (const sequence of told) whole.add(sequence);
      assert.deepEqual([whole.isWhole, whole.highest], [true, told.length]);
      const left = told[missing % told.length]!;
      const broken = new SequenceGaps();
      for (const sequence of told) if (sequence !== left) broken.add(sequence);
      // Of the last write nothing is known at all.
      assert.equal(broken.isWhole, left === told.length);
      broken.reset(told.length);
      assert.deepEqual([broken.isWhole, broken.highest], [true, told.length]);
    }),
  );
});
