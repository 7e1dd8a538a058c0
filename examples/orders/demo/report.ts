import { styleText } from "node:util";
import type { Tally } from "./tally.ts";

type Cell = string | number;

/** Amounts are cents; people read the main unit. */
function money(cents: number): string {
  return (cents / 100).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** Columns of numbers stand to the right. */
function table(titles: readonly string[], rows: readonly (readonly Cell[])[], numeric: readonly boolean[]): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => String(row[column]).length)),
  );
  const line = (cells: readonly Cell[]): string =>
    `  ${cells.map((cell, column) => (numeric[column] === true ? String(cell).padStart(widths[column]!) : String(cell).padEnd(widths[column]!))).join("   ")}`.trimEnd();
  return [styleText("bold", line(titles)), ...rows.map(line)].join("\n");
}

export function countriesTable({ countries }: Tally): string {
  const rows = countries.map(({ country, currency, orders, net, vat, total }) => [
    country.toUpperCase(),
    orders,
    money(net),
    money(vat),
    money(total),
    currency,
  ]);
  return table(["COUNTRY", "ORDERS", "NET", "VAT", "TOTAL", "CURRENCY"], rows, [false, true, true, true, true, false]);
}

export function faultsTable({ faults }: Tally): string {
  const rows = faults.map(({ kind, count, example }) => [kind, count, example]);
  return table(["REFUSED FOR", "ORDERS", "FOR EXAMPLE"], rows, [false, true, false]);
}

export function latencyLine(tally: Tally, elapsedMs: number): string {
  const rate = Math.round(tally.replies / (elapsedMs / 1000)).toLocaleString("en");
  return `${tally.replies.toLocaleString("en")} replies in ${(elapsedMs / 1000).toFixed(2)} s (${rate} a second), latency p50 ${tally.percentile(0.5).toFixed(2)} ms, p99 ${tally.percentile(0.99).toFixed(2)} ms`;
}
