import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { allocate, share } from "../money.ts";

const cents = fc.integer({ min: 0, max: 10 ** 13 });
const sum = (parts: readonly number[]): number => parts.reduce((total, part) => total + part, 0);

describe("share", () => {
  it("rounds half a cent up", () => {
    assert.equal(share(1050, 5, 100), 53);
    assert.equal(share(1049, 5, 100), 52);
    assert.equal(share(10, 550, 10_000), 1);
    assert.equal(share(9, 550, 10_000), 0);
  });

  it("is exact where floats are not", () => {
    assert.equal(share(4_999_999_999_999_999, 2550, 10_000), 1_275_000_000_000_000);
    assert.equal(share(115, 100, 100), 115);
  });
});

describe("allocate", () => {
  it("gives the cents left over to those that lost most", () => {
    assert.deepEqual(allocate(100, [1, 1, 1]), [34, 33, 33]);
    assert.deepEqual(allocate(5, [10, 0, 30]), [1, 0, 4]);
    assert.deepEqual(allocate(5, [0, 0]), [0, 0]);
  });

  it("neither loses a cent nor makes one up, and is fair to a cent", () => {
    fc.assert(
      fc.property(
        cents,
        fc.array(fc.integer({ min: 1, max: 10 ** 9 }), { minLength: 1, maxLength: 20 }),
        (amount, weights) => {
          const parts = allocate(amount, weights);
          assert.equal(sum(parts), amount);
          for (const [index, part] of parts.entries()) {
            const product = BigInt(amount) * BigInt(weights[index] ?? 0);
            const floor = Number(product / BigInt(sum(weights)));
            assert.ok(part === floor || part === floor + 1);
          }
        },
      ),
    );
  });
});
