/**
 * `amount × numerator ÷ denominator` in whole cents, half a cent up. Amounts are not negative. BigInt, because the
 * product of an amount and a rate may leave the range in which numbers are exact.
 */
export function share(amount: number, numerator: number, denominator: number): number {
  const twice = 2n * BigInt(amount) * BigInt(numerator) + BigInt(denominator);
  return Number(twice / (2n * BigInt(denominator)));
}

/**
 * Splits `amount` in proportion to `weights` so that no cent is lost or made up: each part gets its share rounded
 * down, and the cents left over go to those that lost most by it, the first of equals first.
 */
export function allocate(amount: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) return weights.map(() => 0);
  const exact = weights.map((weight) => BigInt(amount) * BigInt(weight));
  const parts = exact.map((product) => Number(product / BigInt(sum)));
  const byLoss = exact
    .map((product, index) => ({ index, lost: product % BigInt(sum) }))
    .sort((left, right) => (left.lost > right.lost ? -1 : left.lost < right.lost ? 1 : left.index - right.index));
  const left = amount - parts.reduce((total, part) => total + part, 0);
  for (const { index } of byLoss.slice(0, left)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}
