/**
 * Specification of noise layers, in float64 and plain loops. The noise itself is an argument.
 * @module
 */

/** Kind of noise: `uniform` and `gaussian` are added; `mask` sets elements to 0 where it is 0. */
export type NoiseKind = "uniform" | "gaussian" | "mask";

/**
 * Y[b,d] = X[b,d] + noise[b,d], or X[b,d]·noise[b,d] with noise of zeros and ones for `mask`.
 *
 * @param x [rows, width]
 * @param noise [rows, width]
 */
export function noiseForward(x: Float64Array, noise: Float64Array, kind: NoiseKind): Float64Array {
  const y = new Float64Array(x.length);
  for (let k = 0; k < x.length; k++) y[k] = kind === "mask" ? x[k] * noise[k] : x[k] + noise[k];
  return y;
}

/** dX[b,d] = dY[b,d], or dY[b,d]·noise[b,d] for `mask`. */
export function noiseBackward(dY: Float64Array, noise: Float64Array, kind: NoiseKind): Float64Array {
  const dX = new Float64Array(dY.length);
  for (let k = 0; k < dY.length; k++) dX[k] = kind === "mask" ? dY[k] * noise[k] : dY[k];
  return dX;
}
