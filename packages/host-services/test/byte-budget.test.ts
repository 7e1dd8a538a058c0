import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteBudget } from "../src/host/byte-budget.ts";

describe("a budget of bytes", () => {
  it("takes one thing that is larger than all of it, and no second beside it", () => {
    const budget = new ByteBudget(100, "the line");
    assert.equal(budget.take(500), undefined);
    assert.equal(budget.take(1), budget);
    budget.give(500);
    assert.equal(budget.take(1), undefined);
  });

  it("counts in those above, and takes nowhere what one of them refuses", () => {
    const node = new ByteBudget(100, "the node");
    const [a, b] = [new ByteBudget(60, "a", node), new ByteBudget(60, "b", node)];
    const workload = new ByteBudget(1000, "a workload", a);
    assert.equal(workload.take(50), undefined);
    assert.equal(workload.take(20), a);
    assert.equal(b.take(40), undefined);
    assert.equal(b.take(20), node);
    assert.deepEqual(
      [node, a, b, workload].map(({ taken }) => taken),
      [90, 50, 40, 50],
    );
    workload.give(50);
    assert.equal(b.take(20), undefined);
  });

  it("is never exceeded by several things together, and empty once all is given back", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 60 })), { maxLength: 100 }), (orders) => {
        const node = new ByteBudget(100, "the node");
        const budgets = [0, 1, 2].map((index) => new ByteBudget(50, String(index), node));
        const taken: [ByteBudget, number][] = [];
        for (const [index, bytes] of orders) {
          const budget = budgets[index]!;
          if (budget.take(bytes) === undefined) taken.push([budget, bytes]);
          for (const each of [node, ...budgets]) {
            const inIt = taken.filter(([which]) => each === node || which === each).filter(([, size]) => size > 0);
            assert.equal(
              each.taken,
              inIt.reduce((sum, [, size]) => sum + size, 0),
            );
            assert.ok(each.taken <= each.limit || inIt.length === 1);
          }
        }
        for (const [budget, bytes] of taken) budget.give(bytes);
        assert.deepEqual(
          [node, ...budgets].map((each) => each.taken),
          [0, 0, 0, 0],
        );
      }),
    );
  });

  it("says whose is full, and how", () => {
    const budget = new ByteBudget(1024, 'the function "fn"');
    budget.take(1000);
    const { code, message, data } = budget.overloaded();
    assert.equal(code, "overloaded");
    assert.match(message, /held for the function "fn".* 1000 B of the 1 KiB .*functions\.held_bytes/);
    assert.deepEqual(data, { limit: 1024, taken: 1000 });
  });
});
