import { couponDiscounts, quantityDiscount } from "./discounts.ts";
import { share } from "./money.ts";
import type { Order, PricedLine, PricedOrder, VatShare } from "./order.ts";
import type { BasisPoints, Market } from "./vat.ts";

/**
 * Prices an order that has been checked: quantity breaks, then the coupon on what remains, then VAT.
 *
 * @throws OrderError `coupon_not_applicable`
 */
export function priceOrder(order: Order, market: Market): PricedOrder {
  const gross = order.items.map(({ quantity, unit_price }) => quantity * unit_price);
  const breaks = order.items.map(({ quantity }, index) => quantityDiscount(quantity, gross[index] ?? 0));
  const coupons = couponDiscounts(
    order,
    gross.map((amount, index) => amount - (breaks[index] ?? 0)),
  );

  const lines = order.items.map(({ sku, quantity }, index): PricedLine => {
    const amount = gross[index] ?? 0;
    const discount = (breaks[index] ?? 0) + (coupons[index] ?? 0);
    return { sku, quantity, gross: amount, discount, net: amount - discount };
  });
  const vat = vatShares(order, lines, market);
  const net = sum(lines.map((line) => line.net));
  return {
    id: order.id,
    country: market.country,
    currency: order.currency,
    lines,
    discount: sum(lines.map((line) => line.discount)),
    net,
    vat,
    total: net + sum(vat.map((part) => part.vat)),
  };
}

/** VAT is rounded once for each rate, as on an invoice: rounded line by line it would drift. */
function vatShares(order: Order, lines: readonly PricedLine[], market: Market): VatShare[] {
  const netByRate = new Map<BasisPoints, number>();
  for (const [index, { category }] of order.items.entries()) {
    const rate = market.rates[category];
    netByRate.set(rate, (netByRate.get(rate) ?? 0) + (lines[index]?.net ?? 0));
  }
  return [...netByRate]
    .sort(([left], [right]) => left - right)
    .map(([rate, net]) => ({ rate_percent: rate / 100, net, vat: share(net, rate, 10_000) }));
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
