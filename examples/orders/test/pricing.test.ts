import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CATEGORIES, type Order, type OrderItem } from "../order.ts";
import { priceOrder } from "../pricing.ts";
import { countries, marketOf } from "../vat.ts";

const item = (change: Partial<OrderItem> = {}): OrderItem => ({
  sku: "A-1",
  title: "Thing",
  category: "general",
  quantity: 1,
  unit_price: 1000,
  ...change,
});
const order = (items: readonly OrderItem[], change: Partial<Order> = {}): Order => ({
  id: "1",
  customer: "Ada",
  currency: "EUR",
  items,
  ...change,
});
const germany = marketOf("de");

describe("priceOrder", () => {
  it("adds VAT by country and kind of goods", () => {
    const items = [item(), item({ category: "books", unit_price: 2000 })];
    assert.deepEqual(priceOrder(order(items), germany).vat, [
      { rate_percent: 7, net: 2000, vat: 140 },
      { rate_percent: 19, net: 1000, vat: 190 },
    ]);
    assert.deepEqual(priceOrder(order(items, { currency: "GBP" }), marketOf("gb")).vat, [
      { rate_percent: 0, net: 2000, vat: 0 },
      { rate_percent: 20, net: 1000, vat: 200 },
    ]);
  });

  it("rounds VAT once for each rate", () => {
    // Three times 0.13 at 19 % are 0.0247 each: 0.06 by line, 0.07 together.
    const { vat, total } = priceOrder(
      order([item({ unit_price: 13 }), item({ unit_price: 13 }), item({ unit_price: 13 })]),
      germany,
    );
    assert.deepEqual(vat, [{ rate_percent: 19, net: 39, vat: 7 }]);
    assert.equal(total, 46);
  });

  it("takes off for quantity from 10, 50 and 100 pieces of one item on", () => {
    const discountFor = (quantity: number): number => priceOrder(order([item({ quantity })]), germany).discount;
    assert.deepEqual([9, 10, 49, 50, 99, 100].map(discountFor), [0, 500, 2450, 5000, 9900, 15_000]);
  });

  it("takes a coupon off what remains after the quantity break", () => {
    const { lines, net } = priceOrder(order([item({ quantity: 10 })], { coupon: "WELCOME10" }), germany);
    assert.deepEqual(lines, [{ sku: "A-1", quantity: 10, gross: 10_000, discount: 500 + 950, net: 8550 }]);
    assert.equal(net, 8550);
  });

  it("takes a coupon for one kind of goods off those alone", () => {
    const items = [item(), item({ category: "books", unit_price: 2000 })];
    const { lines } = priceOrder(order(items, { coupon: "BOOKWORM" }), germany);
    assert.deepEqual(
      lines.map(({ discount }) => discount),
      [0, 300],
    );
  });

  it("spreads a fixed sum over the lines, to the cent", () => {
    const items = [
      item({ unit_price: 3333 }),
      item({ unit_price: 3333 }),
      item({ unit_price: 3334, category: "food" }),
    ];
    const { discount, net, vat } = priceOrder(order(items, { coupon: "EURO5" }), germany);
    assert.equal(discount, 500);
    assert.equal(net, 9500);
    assert.equal(
      vat.reduce((sum, part) => sum + part.net, 0),
      9500,
    );
  });

  it("refuses a coupon where it does not apply", () => {
    const notApplicable = { kind: "coupon_not_applicable" };
    assert.throws(() => priceOrder(order([item()], { coupon: "BOOKWORM" }), germany), notApplicable);
    assert.throws(() => priceOrder(order([item({ unit_price: 4999 })], { coupon: "EURO5" }), germany), notApplicable);
    assert.throws(() => priceOrder(order([item({ unit_price: 9999 })], { coupon: "POUND5" }), germany), notApplicable);
  });

  it("always adds up, in whole cents", () => {
    const items = fc.array(
      fc.record({
        sku: fc.string(),
        title: fc.string(),
        category: fc.constantFrom(...CATEGORIES),
        quantity: fc.integer({ min: 1, max: 10_000 }),
        unit_price: fc.integer({ min: 0, max: 10 ** 9 }),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(
        items,
        fc.constantFrom(...countries()),
        fc.constantFrom(undefined, "WELCOME10"),
        (list, market, coupon) => {
          const priced = priceOrder(order(list, coupon === undefined ? {} : { coupon }), market);
          const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
          assert.equal(sum(priced.lines.map(({ net }) => net)), priced.net);
          assert.equal(sum(priced.vat.map(({ net }) => net)), priced.net);
          assert.equal(sum(priced.lines.map(({ gross }) => gross)) - priced.discount, priced.net);
          assert.equal(priced.net + sum(priced.vat.map(({ vat }) => vat)), priced.total);
          for (const line of priced.lines) assert.ok(line.net >= 0 && Number.isSafeInteger(line.net));
          assert.ok(Number.isSafeInteger(priced.total));
        },
      ),
    );
  });
});
