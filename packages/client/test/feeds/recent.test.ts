import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { mergeByTime } from "../../src/feeds/recent.ts";

describe("mergeByTime", () => {
  it("puts what several nodes told in the order of time, whatever the offset it is written in", () => {
    const [a, b, c] = [
      { time: "2026-01-01T12:00:00+02:00" },
      { time: "2026-01-01T10:30:00Z" },
      { time: "2026-01-01T11:00:00.5Z" },
    ];
    assert.deepEqual(mergeByTime([[a, c], [b]]), [a, b, c]);
    assert.deepEqual(mergeByTime([[a, c], [b]], 2), [b, c]);
    assert.deepEqual(mergeByTime<{ readonly time?: string }>([[{}], [a]], 1), [a]);
  });

  it("loses nothing and keeps each node's order within one time", () => {
    const entry = fc.record({
      time: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
      number: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(fc.array(entry)), (answers) => {
        const merged = mergeByTime(answers);
        for (const time of ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"]) {
          assert.deepEqual(
            merged.filter((item) => item.time === time),
            answers.flat().filter((item) => item.time === time),
          );
        }
      }),
    );
  });
});
