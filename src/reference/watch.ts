/**
 * The specification of what is watched of a tensor in training, in float64 and plain loops.
 * @module
 */

/** The Euclidean norm of a tensor: √(Σ x²). */
export function tensorNorm(values: Float64Array): number {
  let sum = 0;
  for (const x of values) sum += x * x;
  return Math.sqrt(sum);
}

/**
 * How far an update moved a tensor, as a share of where it got: ‖after - before‖ / ‖after‖; 0 where nothing moved.
 *
 * @param before the weights before the update
 * @param after the weights after it
 */
export function updateRatio(before: Float64Array, after: Float64Array): number {
  const change = tensorNorm(after.map((w, k) => w - before[k]));
  return change === 0 ? 0 : change / tensorNorm(after);
}
