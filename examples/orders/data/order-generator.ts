import { marketOf } from "../vat.ts";
import { Random } from "./random.ts";
import { ELSEWHERE, PLACES, PRODUCTS, type Place } from "./shop.ts";

const ORDERS = 1250;
const SEED = 20_261_123;
const BAD_PERCENT = 6;

/** A line of the order file: the document, or the text of a message that is none. */
interface Line {
  readonly subject: string;
  readonly payload: unknown;
}

interface DraftItem {
  sku: string;
  title: string;
  category: string;
  quantity: unknown;
  unit_price: unknown;
}

/** An order while it is being made; whatever may go wrong with it is open to change. */
interface Draft {
  id: string;
  customer: string;
  currency: string;
  coupon?: string;
  items: DraftItem[];
}

/** The whole order file: {@link ORDERS} lines of JSON, the same on each call. */
export function generateOrderFile(): string {
  const random = new Random(SEED);
  const lines = Array.from({ length: ORDERS }, (_, index) => makeLine(random, index + 1));
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

function makeLine(random: Random, number: number): Line {
  const place = random.pick(PLACES);
  const draft = makeOrder(random, place, `ORD-${String(number).padStart(5, "0")}`);
  const line = { subject: `orders.${place.country.toLowerCase()}.new`, payload: draft };
  return random.chance(BAD_PERCENT) ? random.pick(MISTAKES)(line, random) : line;
}

function makeOrder(random: Random, place: Place, id: string): Draft {
  const { currency } = marketOf(place.country);
  const count = random.pick([1, 1, 1, 2, 2, 3, 3, 4, 6]);
  const items = Array.from({ length: count }, () => makeItem(random, place));
  const coupon = random.chance(25) ? applicableCoupon(random, items) : undefined;
  return { id, customer: random.pick(place.names), currency, ...(coupon === undefined ? {} : { coupon }), items };
}

function makeItem(random: Random, { level }: Place): DraftItem {
  const { sku, title, category, price } = random.pick(PRODUCTS);
  const quantity = random.pick([1, 1, 1, 1, 2, 2, 3, 5, 12, 60, 120]);
  return { sku, title, category, quantity, unit_price: Math.max(1, Math.round((price * level) / 100)) };
}

function applicableCoupon(random: Random, items: readonly DraftItem[]): string {
  if (items.some(({ category }) => category === "books") && random.chance(50)) return "BOOKWORM";
  if (items.some(({ category }) => category === "food") && random.chance(50)) return "PANTRY";
  return "WELCOME10";
}

interface Mistakable extends Line {
  readonly payload: Draft;
}

type Mistake = (line: Mistakable, random: Random) => Line;

/** What people and their programs get wrong, each about as often as the others. */
const MISTAKES: readonly [Mistake, ...Mistake[]] = [
  cutShort,
  withoutCustomer,
  fromElsewhere,
  inAnotherCurrency,
  withoutItems,
  withOddQuantity,
  withOddPrice,
  withUnknownCoupon,
  withCouponForOtherGoods,
];

function cutShort({ subject, payload }: Mistakable, random: Random): Line {
  const text = JSON.stringify(payload);
  return { subject, payload: text.slice(0, random.whole(10, text.length - 1)) };
}

function withoutCustomer({ subject, payload }: Mistakable): Line {
  const { customer: _, ...rest } = payload;
  return { subject, payload: rest };
}

function fromElsewhere({ payload }: Mistakable, random: Random): Line {
  return { subject: `orders.${random.pick(ELSEWHERE)}.new`, payload };
}

function inAnotherCurrency({ subject, payload }: Mistakable): Line {
  return { subject, payload: { ...payload, currency: payload.currency === "EUR" ? "USD" : "EUR" } };
}

function withoutItems({ subject, payload }: Mistakable): Line {
  return { subject, payload: { ...payload, items: [] } };
}

function withOddQuantity({ subject, payload }: Mistakable, random: Random): Line {
  return { subject, payload: withFirstItem(payload, { quantity: random.pick<unknown>([-1, 0, 1.5, "3", null, 1e9]) }) };
}

function withOddPrice({ subject, payload }: Mistakable, random: Random): Line {
  return {
    subject,
    payload: withFirstItem(payload, { unit_price: random.pick<unknown>([19.99, -500, "1299", null]) }),
  };
}

function withUnknownCoupon({ subject, payload }: Mistakable, random: Random): Line {
  return { subject, payload: { ...payload, coupon: random.pick(["SUMMER99", "FREE", "welcome10", "BLACKFRIDAY"]) } };
}

function withCouponForOtherGoods({ subject, payload }: Mistakable): Line {
  const items = payload.items.filter(({ category }) => category !== "books");
  const kettle = { sku: "KIT-101", title: "Enamel kettle, 1.5 l", category: "general", quantity: 1, unit_price: 4290 };
  return { subject, payload: { ...payload, coupon: "BOOKWORM", items: items.length > 0 ? items : [kettle] } };
}

function withFirstItem(order: Draft, change: Partial<DraftItem>): Draft {
  const [first, ...rest] = order.items;
  return first === undefined ? order : { ...order, items: [{ ...first, ...change }, ...rest] };
}
