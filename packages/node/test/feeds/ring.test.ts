import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ring } from "../../src/feeds/ring.ts";

test("keeps the newest, oldest first", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.integer(), { maxLength: 100 }), (capacity, entries) => {
      const ring = new Ring<number>(capacity);
      for (const entry of entries) ring.push(entry);
      assert.deepEqual(ring.toArray(), entries.slice(-capacity));
    }),
  );
});

test("what is read is a copy", () => {
  const ring = new Ring<number>(2);
  ring.push(1);
  ring.toArray().push(9);
  assert.deepEqual(ring.toArray(), [1]);
});
