/** What an item is, as far as its VAT goes. */
export const CATEGORIES = ["general", "books", "food"] as const;
export type Category = (typeof CATEGORIES)[number];

/** All amounts are whole cents of the order's currency, before VAT. */
export interface OrderItem {
  readonly sku: string;
  readonly title: string;
  readonly category: Category;
  readonly quantity: number;
  readonly unit_price: number;
}

export interface Order {
  readonly id: string;
  readonly customer: string;
  readonly currency: string;
  readonly coupon?: string;
  readonly items: readonly OrderItem[];
}

export interface PricedLine {
  readonly sku: string;
  readonly quantity: number;
  /** Quantity × unit price. */
  readonly gross: number;
  /** Quantity break and share of the coupon together. */
  readonly discount: number;
  readonly net: number;
}

export interface VatShare {
  readonly rate_percent: number;
  readonly net: number;
  readonly vat: number;
}

export interface PricedOrder {
  readonly id: string;
  readonly country: string;
  readonly currency: string;
  readonly lines: readonly PricedLine[];
  readonly discount: number;
  readonly net: number;
  /** One entry for each rate that occurs, lowest first. */
  readonly vat: readonly VatShare[];
  readonly total: number;
}
