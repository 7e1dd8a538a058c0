import { decisive, type Figure } from "../figures/figure.ts";
import type { Results } from "./results.ts";

/** Changes smaller than this are not worth a word, even where the measurements hardly vary. */
const LEAST_CHANGE = 0.05;

export interface Comparison {
  readonly before: Figure;
  /** Of the ratio where there is one: 0.1 is 10 % more than before. */
  readonly change: number;
  /** `same` unless the change is larger than what varies within either run. */
  readonly verdict: "better" | "worse" | "same";
}

/** `undefined` if the earlier results have no such figure. */
export function compare(earlier: Results, suite: string, now: Figure): Comparison | undefined {
  const before = earlier.suites.find(({ name }) => name === suite)?.figures.find(({ key }) => key === now.key);
  if (before === undefined) return undefined;
  const [then, later] = [decisive(before), decisive(now)];
  const change = later.median / then.median - 1;
  const apart = later.lowerQuartile > then.upperQuartile || later.upperQuartile < then.lowerQuartile;
  if (!apart || Math.abs(change) < LEAST_CHANGE) return { before, change, verdict: "same" };
  const isLess = change < 0;
  return { before, change, verdict: isLess === (now.better === "lower") ? "better" : "worse" };
}
