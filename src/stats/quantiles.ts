/**
 * Quantiles of a sample.
 * @module
 */

/**
 * Quantile of a sample, interpolated linearly between its values, as NumPy's default.
 *
 * @param sorted the sample in ascending order, not empty
 * @param share share of the sample below, in [0, 1]
 */
export function quantileOf(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1),
    below = Math.floor(at),
    above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/**
 * Share of a sample that is at most a value.
 *
 * @param sorted the sample in ascending order, not empty
 */
export function shareUpTo(sorted: ArrayLike<number>, value: number): number {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}
