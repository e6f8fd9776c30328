/**
 * Codes of many numbers as points in a plane or in space: their first principal components.
 * @module
 */
import { EigenvalueDecomposition, Matrix } from "../dependencies/ml_matrix.ts";

/** Result of {@link principalComponents}. */
export interface Projection {
  /** [rows, count], row-major; NaN where a row has a number that is not finite. */
  readonly values: Float32Array;
  /** Each component's share of the variance, in [0, 1], falling; 0 if nothing varies. */
  readonly shares: readonly number[];
}

/**
 * Projects rows on the directions in which they vary most. A direction's largest number is positive, so that equal
 * rows give equal pictures.
 *
 * @param values [rows, size], row-major
 * @param size numbers in a row
 * @param count how many components, at most `size`
 */
export function principalComponents(values: Float32Array, size: number, count: number): Projection {
  const rows = values.length / size;
  const isWhole = Array.from(
    { length: rows },
    (_, n) => values.subarray(n * size, (n + 1) * size).every(Number.isFinite),
  );
  const used = isWhole.reduce((sum, whole) => sum + Number(whole), 0);
  const means = new Float64Array(size);
  values.forEach((value, k) => means[k % size] += isWhole[Math.floor(k / size)] ? value / used : 0);
  const covariance = Matrix.zeros(size, size);
  for (let n = 0; n < rows; n++) {
    if (!isWhole[n]) continue;
    const centered = means.map((mean, d) => values[n * size + d] - mean);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) {
        covariance.set(a, b, covariance.get(a, b) + centered[a] * centered[b] / used);
      }
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, k) => k).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  const total = realEigenvalues.reduce((sum, value) => sum + value, 0);
  const directions = order.slice(0, count).map((k) => {
    const direction = eigenvectorMatrix.getColumn(k);
    const largest = direction.reduce((most, value) => Math.abs(value) > Math.abs(most) ? value : most, 0);
    return largest < 0 ? direction.map((value) => -value) : direction;
  });
  const projected = new Float32Array(rows * count);
  for (let n = 0; n < rows; n++) {
    directions.forEach((direction, k) => {
      projected[n * count + k] = direction.reduce(
        (sum, v, d) => sum + v * (values[n * size + d] - means[d]),
        0,
      );
    });
  }
  return {
    values: projected.map((value, k) => isWhole[Math.floor(k / count)] ? value : NaN),
    shares: order.slice(0, count).map((k) => total > 0 ? Math.max(0, realEigenvalues[k]) / total : 0),
  };
}
