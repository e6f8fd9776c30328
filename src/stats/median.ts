/**
 * The median and the range of measured times.
 * @module
 */

/** What a series of measurements comes to. */
export interface MedianAndRange {
  /** The middle one; the mean of the two in the middle if their number is even. */
  readonly median: number;
  /** The smallest. */
  readonly least: number;
  /** The largest. */
  readonly most: number;
}

/**
 * The median and the range.
 *
 * @param values at least one, in any unit
 */
export function medianAndRange(values: readonly number[]): MedianAndRange {
  const sorted = values.toSorted((a, b) => a - b);
  const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  return { median, least: sorted[0], most: sorted[sorted.length - 1] };
}
