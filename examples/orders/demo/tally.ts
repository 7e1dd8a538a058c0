import type { PricedOrder } from "../order.ts";

export interface CountryTotal {
  readonly country: string;
  readonly currency: string;
  orders: number;
  net: number;
  vat: number;
  total: number;
}

/** A reply of the function: the priced order, or what is wrong with it. */
export type OrderReply = PricedOrder | { readonly error: { readonly kind: string; readonly message: string } };

/** Sums up replies as they come in. */
export class Tally {
  readonly #countries: Map<string, CountryTotal> = new Map();
  readonly #faults: Map<string, { count: number; readonly example: string }> = new Map();
  readonly #latencies: number[] = [];

  add(reply: OrderReply, latencyMs: number): void {
    this.#latencies.push(latencyMs);
    if ("error" in reply) {
      const fault = this.#faults.get(reply.error.kind) ?? { count: 0, example: reply.error.message };
      fault.count++;
      this.#faults.set(reply.error.kind, fault);
      return;
    }
    const { country, currency, net, total } = reply;
    const sums = this.#countries.get(country) ?? { country, currency, orders: 0, net: 0, vat: 0, total: 0 };
    sums.orders++;
    sums.net += net;
    sums.vat += total - net;
    sums.total += total;
    this.#countries.set(country, sums);
  }

  get replies(): number {
    return this.#latencies.length;
  }

  /** Most orders first. */
  get countries(): CountryTotal[] {
    return [...this.#countries.values()].sort((a, b) => b.orders - a.orders);
  }

  /** Most frequent first. */
  get faults(): { readonly kind: string; readonly count: number; readonly example: string }[] {
    return [...this.#faults].map(([kind, fault]) => ({ kind, ...fault })).sort((a, b) => b.count - a.count);
  }

  /** Below which this share of all replies came, ms. */
  percentile(share: number): number {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }
}
