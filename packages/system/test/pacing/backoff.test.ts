import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffMs } from "../../src/pacing/backoff.ts";

test("the pause doubles from a quarter of a second to half a minute, at least half of it kept", () => {
  fc.assert(
    fc.property(fc.nat(), (failures) => {
      const full = Math.min(30_000, 250 * 2 ** failures);
      const pause = backoffMs(failures);
      assert.ok(pause >= full / 2 && pause <= full);
    }),
  );
});

test("many that failed at once do not come back at once", () => {
  const pauses = new Set(Array.from({ length: 100 }, () => backoffMs(3)));
  assert.ok(pauses.size > 50);
});
