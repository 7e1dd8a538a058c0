import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteBudget } from "../../src/triggers/byte-budget.ts";
import { WaitingLine } from "../../src/triggers/waiting-line.ts";

test("is a queue bounded in length and bytes, whatever is done with it", () => {
  const command = fc.oneof(fc.record({ push: fc.nat({ max: 40 }) }), fc.constant("shift" as const));
  fc.assert(
    fc.property(
      fc.nat({ max: 12 }),
      fc.nat({ max: 100 }),
      fc.array(command, { maxLength: 300 }),
      (length, bytes, commands) => {
        const line = new WaitingLine<{ size: number }>(length, new ByteBudget(bytes, "the line"));
        const model: { size: number }[] = [];
        for (const each of commands) {
          if (each === "shift") assert.equal(line.shift(), model.shift());
          else {
            const item = { size: each.push };
            const held = model.reduce((sum, { size }) => sum + size, 0);
            const fits = model.length < length && (held === 0 || held + item.size <= bytes);
            assert.equal(line.push(item, item.size) === undefined, fits);
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
  const line = new WaitingLine<number>(10_000, new ByteBudget(Infinity, "the line"));
  let [next, expected] = [0, 0];
  for (let round = 0; round < 20; round++) {
    while (line.length < 5000) line.push(next++, 1);
    while (line.length > 10) assert.equal(line.shift(), expected++);
  }
});

test("one message may be larger than all the bytes of the line, two may not", () => {
  const budget = new ByteBudget(100, "the line");
  const line = new WaitingLine<string>(10, budget);
  assert.equal(line.push("large", 500), undefined);
  assert.equal(line.push("small", 1), budget);
  line.shift();
  assert.equal(line.push("small", 1), undefined);
});

test("lines share the budgets above them, and what one refuses is taken nowhere", () => {
  const node = new ByteBudget(100, "the node");
  const namespaces = [new ByteBudget(60, "a", node), new ByteBudget(60, "b", node)];
  const lines = namespaces.map((namespace) => new WaitingLine<string>(10, new ByteBudget(1000, "a line", namespace)));
  assert.equal(lines[0]!.push("a", 50), undefined);
  assert.equal(lines[0]!.push("a", 20), namespaces[0]);
  assert.equal(lines[1]!.push("b", 40), undefined);
  assert.equal(lines[1]!.push("b", 20), node);
  assert.deepEqual(
    [node, ...namespaces].map(({ taken }) => taken),
    [90, 50, 40],
  );
  lines[0]!.shift();
  assert.equal(lines[1]!.push("b", 20), undefined);
  lines[1]!.shift();
  lines[1]!.shift();
  assert.equal(node.taken, 0);
});
