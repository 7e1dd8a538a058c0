import { OrderError } from "./order-error.ts";
import type { Category } from "./order.ts";

/** Hundredths of a percent: 5.5 % is 550. Whole numbers, so that no rate is a fraction that floats cannot hold. */
export type BasisPoints = number;

/** A country we sell to. */
export interface Market {
  readonly country: string;
  readonly currency: string;
  readonly rates: Readonly<Record<Category, BasisPoints>>;
}

const market = (country: string, currency: string, general: number, books: number, food: number): Market => ({
  country,
  currency,
  rates: { general, books, food },
});

/** Rates are simplified to three kinds of goods: an example, not tax advice. */
const MARKETS: ReadonlyMap<string, Market> = new Map(
  [
    market("AT", "EUR", 2000, 1000, 1000),
    market("BE", "EUR", 2100, 600, 600),
    market("CH", "CHF", 810, 260, 260),
    market("CZ", "CZK", 2100, 0, 1200),
    market("DE", "EUR", 1900, 700, 700),
    market("DK", "DKK", 2500, 2500, 2500),
    market("ES", "EUR", 2100, 400, 1000),
    market("FI", "EUR", 2550, 1400, 1400),
    market("FR", "EUR", 2000, 550, 550),
    market("GB", "GBP", 2000, 0, 0),
    market("IE", "EUR", 2300, 0, 0),
    market("IT", "EUR", 2200, 400, 1000),
    market("NL", "EUR", 2100, 900, 900),
    market("NO", "NOK", 2500, 0, 1500),
    market("PL", "PLN", 2300, 500, 500),
    market("PT", "EUR", 2300, 600, 600),
    market("SE", "SEK", 2500, 600, 1200),
  ].map((entry) => [entry.country, entry]),
);

/** @param country two letters, in either case: subjects are written in lower case, documents in upper */
export function marketOf(country: string | undefined): Market {
  const found = MARKETS.get(country?.toUpperCase() ?? "");
  if (found !== undefined) return found;
  throw new OrderError("unknown_country", `We do not sell to "${country ?? ""}".`);
}

export function countries(): readonly Market[] {
  return [...MARKETS.values()];
}
