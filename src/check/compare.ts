/**
 * Comparing arrays of numbers: NaN never passes, and a failure names the worst element.
 * @module
 */

/** Difference between two arrays. */
export interface Comparison {
  /** |actual - expected| / |expected|, both Euclidean norms; NaN if anything is not finite. */
  readonly normError: number;
  /** Largest |actual - expected|; NaN if anything is not finite. */
  readonly maxError: number;
  /** Index of that element, or of the first that is not finite, in array notation such as `[3, 17]`. */
  readonly worstIndex: string;
  /** Actual value at that index. */
  readonly actual: number;
  /** Expected value at that index. */
  readonly expected: number;
}

/**
 * Compares two arrays of the same shape.
 *
 * @throws TypeError if the arrays differ in length
 */
export function compare(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  shape: readonly number[] = [expected.length],
): Comparison {
  if (actual.length !== expected.length) {
    throw new TypeError(`Cannot compare ${actual.length} numbers with ${expected.length}`);
  }
  let difference2 = 0, expected2 = 0, maxError = -1, worst = 0;
  for (let k = 0; k < expected.length; k++) {
    const difference = Math.abs(actual[k] - expected[k]);
    difference2 += difference * difference;
    expected2 += expected[k] * expected[k];
    if (!(difference <= maxError) && !Number.isNaN(maxError)) {
      maxError = Number.isFinite(difference) ? difference : NaN;
      worst = k;
    }
  }
  // if the expected tensor is all zeros, the error is absolute
  const normError = Math.sqrt(difference2) / (expected2 > 0 ? Math.sqrt(expected2) : 1);
  return {
    normError: Number.isFinite(normError) ? normError : NaN,
    maxError: expected.length === 0 ? 0 : maxError,
    worstIndex: arrayNotation(worst, shape),
    actual: actual[worst],
    expected: expected[worst],
  };
}

/** True if an error is within a bound; false for NaN. */
export function within(error: number, bound: number): boolean {
  return error <= bound;
}

/** Formats the index of the k-th element of an array with that shape, such as `[3, 17]`. */
export function arrayNotation(k: number, shape: readonly number[]): string {
  const indices: number[] = [];
  for (const size of shape.toReversed()) {
    indices.unshift(k % size);
    k = Math.floor(k / size);
  }
  return `[${indices.join(", ")}]`;
}
