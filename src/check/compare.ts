/**
 * Comparing arrays of numbers so that nothing slips through: NaN never passes, and a failure names the place.
 * @module
 */

/** How two arrays differ. */
export interface Comparison {
  /** |actual - expected| / |expected|, both Euclidean norms; NaN if anything is not finite. */
  readonly normError: number;
  /** The largest |actual - expected|; NaN if anything is not finite. */
  readonly maxError: number;
  /** Where that is (or the first element that is not finite), in array notation such as `[3, 17]`. */
  readonly worstIndex: string;
  /** What is there. */
  readonly actual: number;
  /** What should be there. */
  readonly expected: number;
}

/**
 * Compares two arrays of one shape.
 *
 * @throws TypeError if the numbers of elements differ
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
  // where the expected tensor is all zeros the error is absolute
  const normError = Math.sqrt(difference2) / (expected2 > 0 ? Math.sqrt(expected2) : 1);
  return {
    normError: Number.isFinite(normError) ? normError : NaN,
    maxError: expected.length === 0 ? 0 : maxError,
    worstIndex: arrayNotation(worst, shape),
    actual: actual[worst],
    expected: expected[worst],
  };
}

/** Whether an error is within a bound; false for NaN. */
export function within(error: number, bound: number): boolean {
  return error <= bound;
}

/** The place of the k-th element in an array of that shape, such as `[3, 17]`. */
export function arrayNotation(k: number, shape: readonly number[]): string {
  const indices: number[] = [];
  for (const size of shape.toReversed()) {
    indices.unshift(k % size);
    k = Math.floor(k / size);
  }
  return `[${indices.join(", ")}]`;
}
