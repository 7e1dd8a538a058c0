import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WaitingLine } from "../../src/triggers/waiting-line.ts";

test("is a queue bounded in length and bytes, whatever is done with it", () => {
  const command = fc.oneof(fc.record({ push: fc.nat({ max: 40 }) }), fc.constant("shift" as const));
  fc.assert(
    fc.property(
      fc.nat({ max: 12 }),
      fc.nat({ max: 100 }),
      fc.array(command, { maxLength: 300 }),
      (length, bytes, commands) => {
        const line = new WaitingLine<{ size: number }>(length, bytes);
        const model: { size: number }[] = [];
        for (const each of commands) {
          if (each === "shift") assert.equal(line.shift(), model.shift());
          else {
            const item = { size: each.push };
            const held = model.reduce((sum, { size }) => sum + size, 0);
            const fits = model.length < length && (model.length === 0 || held + item.size <= bytes);
            assert.equal(line.push(item, item.size), fits);
            if (fits) model.push(item);
          }
          assert.equal(line.length, model.length);
          assert.equal(line.peek(), model[0]);
        }
      },
    ),
  );
});

test("keeps its order over many thousands that come and go", () => {
  const line = new WaitingLine<number>(10_000, Infinity);
  let [next, expected] = [0, 0];
  for (let round = 0; round < 20; round++) {
    while (line.length < 5000) line.push(next++, 1);
    while (line.length > 10) assert.equal(line.shift(), expected++);
  }
});

test("one message may be larger than all the bytes of the line, two may not", () => {
  const line = new WaitingLine<string>(10, 100);
  assert.equal(line.push("large", 500), true);
  assert.equal(line.push("small", 1), false);
  line.shift();
  assert.equal(line.push("small", 1), true);
});
