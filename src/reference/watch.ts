/**
 * Specification of the statistics of watched tensors, in float64 and plain loops.
 * @module
 */

/** L2 norm of a tensor: √(Σ x²). */
export function tensorNorm(values: Float64Array): number {
  let sum = 0;
  for (const x of values) sum += x * x;
  return Math.sqrt(sum);
}

/**
 * Relative size of an update: ‖after - before‖ / ‖after‖; 0 if nothing changed.
 *
 * @param before the weights before the update
 * @param after the weights after it
 */
export function updateRatio(before: Float64Array, after: Float64Array): number {
  const change = tensorNorm(after.map((w, k) => w - before[k]));
  return change === 0 ? 0 : change / tensorNorm(after);
}
