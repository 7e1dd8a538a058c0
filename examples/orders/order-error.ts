/** What can be wrong with an order. */
export type OrderFault =
  | "not_json"
  | "not_an_order"
  | "unknown_country"
  | "wrong_currency"
  | "no_items"
  | "bad_quantity"
  | "bad_price"
  | "unknown_coupon"
  | "coupon_not_applicable";

/** The sender's mistake, told to the sender. */
export class OrderError extends Error {
  readonly kind: OrderFault;

  constructor(kind: OrderFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
