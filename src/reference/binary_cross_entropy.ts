/**
 * Specification of binary cross-entropy of probabilities, in float64 and plain loops.
 * @module
 */

/** Clamps a logarithm like `torch.nn.BCELoss`; NaN for NaN. */
function clampedLog(logarithm: number): number {
  return logarithm < -100 ? -100 : logarithm;
}

/**
 * L = s · Σ -( T·ln(P) + (1-T)·ln(1-P) ), ln(x) = max(log x, -100); s = 1 for `sum`, 1/(rows·width) for `mean`,
 * 1/rows for `sample`.
 *
 * @param p probabilities, [rows, width]
 * @param t target, [rows, width]
 */
export function binaryCrossEntropyValue(
  p: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): number {
  const sum = Math.sumPrecise(
    p.map((p, k) => -t[k] * clampedLog(Math.log(p)) - (1 - t[k]) * clampedLog(Math.log1p(-p))),
  );
  return reduction === "sum" ? sum : sum / (reduction === "mean" ? p.length : rows);
}

/** dL/dP = s·(P - T)/max(P·(1-P), 1e-12), dL/dT = s·(ln(1-P) - ln(P)). */
export function binaryCrossEntropyGradients(
  p: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): { readonly dP: Float64Array; readonly dT: Float64Array } {
  const scale = reduction === "sum" ? 1 : 1 / (reduction === "mean" ? p.length : rows);
  const dP = new Float64Array(p.length), dT = new Float64Array(p.length);
  for (let k = 0; k < p.length; k++) {
    dP[k] = scale * (p[k] - t[k]) / Math.max(p[k] * (1 - p[k]), 1e-12);
    dT[k] = scale * (clampedLog(Math.log1p(-p[k])) - clampedLog(Math.log(p[k])));
  }
  return { dP, dT };
}
