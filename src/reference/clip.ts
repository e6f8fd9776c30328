/**
 * Specification of gradient clipping by the global norm, in float64 and plain loops.
 * @module
 */

/** Keeps the factor finite if all gradients are 0. */
const EPSILON = 1e-6;

/** L2 norm of all gradients together: √(Σ g²). */
export function globalNorm(gradients: readonly Float64Array[]): number {
  let sum = 0;
  for (const gradient of gradients) {
    for (const g of gradient) sum += g * g;
  }
  return Math.sqrt(sum);
}

/**
 * Factor of all gradients: min(1, maxNorm / (norm + 1e-6)) as in torch.nn.utils.clip_grad_norm_; NaN for NaN.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  if (Number.isNaN(norm)) return NaN;
  const factor = maxNorm / (norm + EPSILON);
  return factor < 1 ? factor : 1;
}
