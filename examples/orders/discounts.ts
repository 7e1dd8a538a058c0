import { allocate, share } from "./money.ts";
import { OrderError } from "./order-error.ts";
import type { Category, Order } from "./order.ts";

/** From how many pieces of one item on, how many percent less. Highest first. */
const QUANTITY_BREAKS = [
  { from: 100, percent: 15 },
  { from: 50, percent: 10 },
  { from: 10, percent: 5 },
] as const;

/** What buying many of one item takes off, in cents. */
export function quantityDiscount(quantity: number, gross: number): number {
  const found = QUANTITY_BREAKS.find(({ from }) => quantity >= from);
  return found === undefined ? 0 : share(gross, found.percent, 100);
}

/** Takes off a part of some or all goods, or a fixed sum of one currency from a certain sum on. */
type Coupon =
  | { readonly percent: number; readonly only?: Category }
  | { readonly off: number; readonly currency: string; readonly from: number };

const COUPONS: ReadonlyMap<string, Coupon> = new Map<string, Coupon>([
  ["WELCOME10", { percent: 10 }],
  ["BOOKWORM", { percent: 15, only: "books" }],
  ["PANTRY", { percent: 8, only: "food" }],
  ["EURO5", { off: 500, currency: "EUR", from: 5000 }],
  ["POUND5", { off: 500, currency: "GBP", from: 5000 }],
]);

export function checkCoupon(code: string): void {
  if (!COUPONS.has(code)) throw new OrderError("unknown_coupon", `There is no coupon "${code}".`);
}

/**
 * What the order's coupon takes off each line, in cents.
 *
 * @param nets what each line costs after its quantity break
 */
export function couponDiscounts({ coupon: code, currency, items }: Order, nets: readonly number[]): number[] {
  const coupon = code === undefined ? undefined : COUPONS.get(code);
  if (coupon === undefined) return nets.map(() => 0);
  if ("percent" in coupon) {
    const { only, percent } = coupon;
    if (only !== undefined && items.every(({ category }) => category !== only)) {
      throw new OrderError("coupon_not_applicable", `The coupon "${code}" is for ${only}, and the order has none.`);
    }
    return nets.map((net, index) =>
      only === undefined || items[index]?.category === only ? share(net, percent, 100) : 0,
    );
  }
  const sum = nets.reduce((total, net) => total + net, 0);
  if (currency !== coupon.currency || sum < coupon.from) {
    throw new OrderError(
      "coupon_not_applicable",
      `The coupon "${code}" is for orders of ${coupon.from / 100} ${coupon.currency} and more.`,
    );
  }
  // In proportion, so that each rate of VAT is charged on what was really paid at that rate.
  return allocate(coupon.off, nets);
}
