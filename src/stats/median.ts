/**
 * Median and range of measured times.
 * @module
 */

/** Median and range of a series. */
export interface MedianAndRange {
  /** Middle value; the mean of the two middle values if their number is even. */
  readonly median: number;
  /** Smallest value. */
  readonly least: number;
  /** Largest value. */
  readonly most: number;
}

/**
 * Computes the median and the range.
 *
 * @param values at least one, in any unit
 */
export function medianAndRange(values: readonly number[]): MedianAndRange {
  const sorted = values.toSorted((a, b) => a - b);
  const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  return { median, least: sorted[0], most: sorted[sorted.length - 1] };
}
