/**
 * Specification of reparameterization, in float64 and plain loops.
 * @module
 */

/** Z = mean + exp(logVariance / 2)·epsilon (Kingma and Welling 2014, eq. 10), all [rows, width]. */
export function reparameterizeForward(
  mean: Float64Array,
  logVariance: Float64Array,
  epsilon: Float64Array,
): Float64Array {
  const z = new Float64Array(mean.length);
  for (let k = 0; k < z.length; k++) z[k] = mean[k] + Math.exp(logVariance[k] / 2) * epsilon[k];
  return z;
}

/** Gradients of a sample's inputs, each [rows, width]. */
export interface ReparameterizeGradients {
  /** d_mean */
  readonly dMean: Float64Array;
  /** d_log_variance */
  readonly dLogVariance: Float64Array;
  /** d_epsilon */
  readonly dEpsilon: Float64Array;
}

/** dMean = dZ; dLogVariance = dZ·epsilon·exp(logVariance / 2) / 2; dEpsilon = dZ·exp(logVariance / 2). */
export function reparameterizeBackward(
  logVariance: Float64Array,
  epsilon: Float64Array,
  dZ: Float64Array,
): ReparameterizeGradients {
  const dLogVariance = new Float64Array(dZ.length);
  const dEpsilon = new Float64Array(dZ.length);
  for (let k = 0; k < dZ.length; k++) {
    const deviation = Math.exp(logVariance[k] / 2);
    dLogVariance[k] = dZ[k] * epsilon[k] * deviation / 2;
    dEpsilon[k] = dZ[k] * deviation;
  }
  return { dMean: dZ.slice(), dLogVariance, dEpsilon };
}
