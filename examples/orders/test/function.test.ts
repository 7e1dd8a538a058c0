import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testFunction } from "@nex/functions";
import orders from "../function.ts";
import type { OrderFault } from "../order-error.ts";
import type { PricedOrder } from "../order.ts";

const shop = testFunction(orders);
const item = { sku: "KIT-101", title: "Kettle", category: "general", quantity: 2, unit_price: 4290 };
const order = { id: "ORD-1", customer: "Ada", currency: "EUR", items: [item] };

async function send(
  payload: unknown,
  country = "de",
): Promise<PricedOrder & { error?: { kind: OrderFault; message: string } }> {
  const reply = await shop.invoke(`orders.${country}.new`, payload, { pattern: "orders.*.new" });
  return reply.json();
}

describe("the orders function", () => {
  it("prices an order for the country in its subject", async () => {
    assert.deepEqual(await send(order), {
      id: "ORD-1",
      country: "DE",
      currency: "EUR",
      lines: [{ sku: "KIT-101", quantity: 2, gross: 8580, discount: 0, net: 8580 }],
      discount: 0,
      net: 8580,
      vat: [{ rate_percent: 19, net: 8580, vat: 1630 }],
      total: 10_210,
    });
    assert.equal((await send(order, "fr")).total, 10_296);
  });

  const faults: readonly [fault: OrderFault, says: RegExp, payload: unknown, country?: string][] = [
    ["not_json", /not JSON/, '{"id":'],
    ["not_json", /not JSON/, ""],
    ["not_an_order", /the message must be an object, not \[\]/, []],
    ["not_an_order", /must be an object, not null/, "null"],
    ["not_an_order", /"customer" of the order must be text, not missing/, { ...order, customer: undefined }],
    ["not_an_order", /"items" of the order must be a list/, { ...order, items: "two" }],
    ["not_an_order", /item 2 must be an object, not 7/, { ...order, items: [item, 7] }],
    ["not_an_order", /category of item 1 must be one of/, { ...order, items: [{ ...item, category: "toys" }] }],
    ["not_an_order", /more than 500 items/, { ...order, items: Array.from({ length: 501 }, () => item) }],
    ["unknown_country", /We do not sell to "us"/, order, "us"],
    ["unknown_country", /We do not sell to "constructor"/, order, "constructor"],
    ["wrong_currency", /Orders from CH are in CHF, not "EUR"/, order, "ch"],
    ["no_items", /no items/, { ...order, items: [] }],
    ["no_items", /no items/, { ...order, items: undefined }],
    ["bad_quantity", /from 1 to 10000, not -1/, { ...order, items: [{ ...item, quantity: -1 }] }],
    ["bad_quantity", /not 1\.5/, { ...order, items: [{ ...item, quantity: 1.5 }] }],
    ["bad_price", /item 1 must be whole cents, not 19\.99/, { ...order, items: [{ ...item, unit_price: 19.99 }] }],
    ["bad_price", /not "1299"/, { ...order, items: [{ ...item, unit_price: "1299" }] }],
    ["unknown_coupon", /no coupon "SUMMER99"/, { ...order, coupon: "SUMMER99" }],
    ["coupon_not_applicable", /is for books/, { ...order, coupon: "BOOKWORM" }],
  ];
  for (const [fault, says, payload, country] of faults) {
    it(`answers ${fault} (${says.source})`, async () => {
      const { error } = await send(payload, country);
      assert.equal(error?.kind, fault);
      assert.match(error.message, says);
    });
  }
});
