import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MessageQueue } from "../../src/functions/message-queue.ts";

test("is a queue bounded in length, whatever is done with it", () => {
  fc.assert(
    fc.property(fc.nat({ max: 12 }), fc.array(fc.boolean(), { maxLength: 300 }), (length, commands) => {
      const line = new MessageQueue<object>(length);
      const model: object[] = [];
      for (const isPush of commands) {
        if (isPush) {
          const item = {};
          const fits = model.length < length;
          assert.equal(line.push(item), fits);
          if (fits) model.push(item);
        } else assert.equal(line.shift(), model.shift());
        assert.equal(line.length, model.length);
        assert.equal(line.peek(), model[0]);
      }
    }),
  );
});

test("keeps its order over many thousands that come and go", () => {
  const line = new MessageQueue<number>(10_000);
  let [next, expected] = [0, 0];
  for (let round = 0; round < 20; round++) {
    while (line.length < 5000) line.push(next++);
    while (line.length > 10) assert.equal(line.shift(), expected++);
  }
});
