/** What repeated measurements of one thing came to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Quarter of the measurements lie below. */
  readonly lowerQuartile: number;
  /** Quarter of the measurements lie above. */
  readonly upperQuartile: number;
  readonly count: number;
}

/** @throws RangeError for no measurements */
export function spreadOf(measurements: readonly number[]): Spread {
  if (measurements.length === 0) throw new RangeError("Nothing was measured.");
  const sorted = Float64Array.from(measurements).sort();
  return {
    median: quantile(sorted, 0.5),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
    count: sorted.length,
  };
}

/** Interpolated between the two nearest of `sorted`, which is in rising order and not empty. */
export function quantile(sorted: Float64Array, fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}
