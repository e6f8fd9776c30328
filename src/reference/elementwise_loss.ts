/**
 * Specification of an elementwise loss, in float64 and plain loops. The op brings the function of one
 * element.
 * @module
 */

/** Function of a prediction, its target and the element's index. */
export type PairFunction = (prediction: number, target: number, element: number) => number;

/**
 * L = s · Σ_b Σ_d ℓ(Y[b,d], T[b,d]); s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`.
 *
 * @param y prediction, [rows, width]
 * @param t target, [rows, width]
 */
export function elementwiseLossValue(
  loss: PairFunction,
  y: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): number {
  return Math.sumPrecise(y.map((value, k) => loss(value, t[k], k))) * scaleOf(reduction, y.length, rows);
}

/** s · ∂ℓ/∂Y or s · ∂ℓ/∂T, [rows, width], depending on `derivative`. */
export function elementwiseLossGradient(
  derivative: PairFunction,
  y: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): Float64Array {
  const scale = scaleOf(reduction, y.length, rows);
  return y.map((value, k) => scale * derivative(value, t[k], k));
}

function scaleOf(reduction: "sum" | "mean" | "sample", elements: number, rows: number): number {
  return reduction === "sum" ? 1 : 1 / (reduction === "mean" ? elements : rows);
}
