import { checkCoupon } from "./discounts.ts";
import { OrderError } from "./order-error.ts";
import { CATEGORIES, type Category, type Order, type OrderItem } from "./order.ts";
import type { Market } from "./vat.ts";

const MAX_QUANTITY = 10_000;
/** Ten million in the currency's main unit. With it and {@link MAX_QUANTITY} a line stays an exact number. */
const MAX_UNIT_PRICE = 1_000_000_000;
const MAX_ITEMS = 500;

/**
 * Reads an order that came as text and checks all of it, so that nothing after this need doubt it.
 *
 * @throws OrderError
 */
export function readOrder(text: string, market: Market): Order {
  const document = parse(text);
  const currency = requireText(document, "currency", "the order");
  if (currency !== market.currency) {
    throw new OrderError(
      "wrong_currency",
      `Orders from ${market.country} are in ${market.currency}, not "${currency}".`,
    );
  }
  const coupon = document["coupon"] === undefined ? {} : { coupon: requireText(document, "coupon", "the order") };
  if (coupon.coupon !== undefined) checkCoupon(coupon.coupon);
  return {
    id: requireText(document, "id", "the order"),
    customer: requireText(document, "customer", "the order"),
    currency,
    ...coupon,
    items: readItems(document["items"]),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new OrderError("not_json", `The message is not JSON: ${why}.`, { cause: thrown });
  }
  return requireFields(document, "the message");
}

function readItems(items: unknown): readonly OrderItem[] {
  if (items === undefined || (Array.isArray(items) && items.length === 0)) {
    throw new OrderError("no_items", "The order has no items.");
  }
  if (!Array.isArray(items)) throw new OrderError("not_an_order", `"items" of the order must be a list.`);
  if (items.length > MAX_ITEMS) throw new OrderError("not_an_order", `The order has more than ${MAX_ITEMS} items.`);
  return items.map(readItem);
}

function readItem(item: unknown, index: number): OrderItem {
  const where = `item ${index + 1}`;
  const fields = requireFields(item, where);
  return {
    sku: requireText(fields, "sku", where),
    title: requireText(fields, "title", where),
    category: requireCategory(fields["category"], where),
    quantity: requireQuantity(fields["quantity"], where),
    unit_price: requirePrice(fields["unit_price"], where),
  };
}

function requireQuantity(value: unknown, where: string): number {
  if (isWhole(value) && value >= 1 && value <= MAX_QUANTITY) return value;
  throw new OrderError(
    "bad_quantity",
    `The quantity of ${where} must be a whole number from 1 to ${MAX_QUANTITY}, not ${show(value)}.`,
  );
}

function requirePrice(value: unknown, where: string): number {
  if (isWhole(value) && value >= 0 && value <= MAX_UNIT_PRICE) return value;
  throw new OrderError("bad_price", `The unit price of ${where} must be whole cents, not ${show(value)}.`);
}

function requireCategory(value: unknown, where: string): Category {
  const found = CATEGORIES.find((category) => category === value);
  if (found !== undefined) return found;
  throw new OrderError(
    "not_an_order",
    `The category of ${where} must be one of ${CATEGORIES.join(", ")}, not ${show(value)}.`,
  );
}

function requireFields(value: unknown, where: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new OrderError("not_an_order", `${where} must be an object, not ${show(value)}.`);
}

function requireText(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value === "string" && value !== "") return value;
  throw new OrderError("not_an_order", `"${name}" of ${where} must be text, not ${show(value)}.`);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return "missing";
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
