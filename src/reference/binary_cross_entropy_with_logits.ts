/**
 * Specification of binary cross-entropy of logits, in float64 and plain loops.
 * @module
 */

/**
 * L = s · Σ ( max(Z,0) - Z·T + log(1 + e^-|Z|) ); s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`.
 *
 * @param z logits, [rows, width]
 * @param t target, [rows, width]
 */
export function binaryCrossEntropyWithLogitsValue(
  z: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): number {
  const sum = Math.sumPrecise(
    z.map((z, k) => (z <= 0 ? 0 : z) - z * t[k] + Math.log1p(Math.exp(-Math.abs(z)))),
  );
  return reduction === "sum" ? sum : sum / (reduction === "mean" ? z.length : rows);
}

/** dL/dZ = s·(σ(Z) - T), dL/dT = -s·Z. */
export function binaryCrossEntropyWithLogitsGradients(
  z: Float64Array,
  t: Float64Array,
  reduction: "sum" | "mean" | "sample",
  rows: number,
): { readonly dZ: Float64Array; readonly dT: Float64Array } {
  const scale = reduction === "sum" ? 1 : 1 / (reduction === "mean" ? z.length : rows);
  const dZ = new Float64Array(z.length), dT = new Float64Array(z.length);
  for (let k = 0; k < z.length; k++) {
    const away = Math.exp(-Math.abs(z[k])) / (1 + Math.exp(-Math.abs(z[k]))); // σ(-|Z|)
    dZ[k] = scale * (z[k] > 0 ? 1 - t[k] - away : away - t[k]);
    dT[k] = -scale * z[k];
  }
  return { dZ, dT };
}
