/**
 * Specification of the Gaussian KL divergence, in float64 and plain loops.
 * @module
 */

/**
 * L = s · Σ -½·(1 + V - M² - e^V); s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`.
 *
 * @param mean M, [rows, width]
 * @param logVariance V, [rows, width]
 */
export function gaussianKlValue(
  mean: Float64Array,
  logVariance: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): number {
  const sum = Math.sumPrecise(
    mean.map((m, k) => -0.5 * (logVariance[k] - m ** 2 - Math.expm1(logVariance[k]))),
  );
  return reduction === "sum" ? sum : sum / (reduction === "mean" ? mean.length : rows);
}

/** dL/dM = s·M, dL/dV = s·½·(e^V - 1). */
export function gaussianKlGradients(
  mean: Float64Array,
  logVariance: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): { readonly dMean: Float64Array; readonly dLogVariance: Float64Array } {
  const scale = reduction === "sum" ? 1 : 1 / (reduction === "mean" ? mean.length : rows);
  const dMean = new Float64Array(mean.length), dLogVariance = new Float64Array(mean.length);
  for (let k = 0; k < mean.length; k++) {
    dMean[k] = scale * mean[k];
    dLogVariance[k] = scale * 0.5 * Math.expm1(logVariance[k]);
  }
  return { dMean, dLogVariance };
}
