/**
 * Specification of squared error, in float64 and plain loops.
 * @module
 */

/**
 * L = s · Σ_b Σ_d (Y[b,d] - T[b,d])²; s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`.
 *
 * @param y prediction, [rows, width]
 * @param t target, [rows, width]
 */
export function squaredErrorValue(
  y: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): number {
  const sum = Math.sumPrecise(y.map((value, k) => (value - t[k]) ** 2));
  return reduction === "sum" ? sum : sum / (reduction === "mean" ? y.length : rows);
}

/** dL/dY[b,d] = 2s·(Y[b,d] - T[b,d]); the target's gradient is its negative. */
export function squaredErrorGradient(
  y: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): Float64Array {
  const scale = reduction === "sum" ? 1 : 1 / (reduction === "mean" ? y.length : rows);
  const dY = new Float64Array(y.length);
  for (let k = 0; k < y.length; k++) dY[k] = 2 * scale * (y[k] - t[k]);
  return dY;
}
