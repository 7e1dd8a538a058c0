import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { testFunction } from "@nex/functions";
import { ORDER_FILE, readOrderFile } from "../data/order-file.ts";
import { generateOrderFile } from "../data/order-generator.ts";
import orders from "../function.ts";
import type { PricedOrder } from "../order.ts";

describe("the order file", () => {
  it("is what the generator writes", () => {
    assert.ok(readFileSync(ORDER_FILE, "utf8") === generateOrderFile(), "run `node data/generate.ts`");
  });

  it("holds enough orders from enough countries, and every kind of mistake", async () => {
    const shop = testFunction(orders);
    const messages = readOrderFile();
    const countries = new Set<string>();
    const faults = new Map<string, number>();
    for (const { subject, payload } of messages) {
      const reply = await shop.invoke(subject, payload, { pattern: "orders.*.new" });
      const { country, error } = reply.json<PricedOrder & { error?: { kind: string } }>();
      if (error === undefined) countries.add(country);
      else faults.set(error.kind, (faults.get(error.kind) ?? 0) + 1);
    }
    const bad = [...faults.values()].reduce((sum, count) => sum + count, 0);
    assert.ok(messages.length >= 1200);
    assert.ok(countries.size >= 12, `${countries.size} countries`);
    assert.equal(faults.size, 9, [...faults.keys()].join(", "));
    assert.ok(bad / messages.length > 0.04 && bad / messages.length < 0.08, `${bad} bad orders`);
  });
});
