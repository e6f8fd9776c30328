/**
 * Specification of the sparsity penalty, in float64 and plain loops.
 * @module
 */

/** Mean activations are clamped to [CLAMP, 1 - CLAMP]. */
const CLAMP = 1e-6;

/** ρ̂_j = 1/rows · Σ_b H[b,j], not clamped. */
export function meanActivation(h: Float64Array, rows: number, width: number): Float64Array {
  const means = new Float64Array(width);
  for (let b = 0; b < rows; b++) {
    for (let j = 0; j < width; j++) means[j] += h[b * width + j] / rows;
  }
  return means;
}

/**
 * L = Σ_j ( ρ·log(ρ/ρ̂_j) + (1-ρ)·log((1-ρ)/(1-ρ̂_j)) ), ρ̂_j clamped to [1e-6, 1 - 1e-6].
 *
 * @param h activations, [rows, width]
 * @param sparsity ρ
 */
export function sparsityKlValue(h: Float64Array, sparsity: number, rows: number, width: number): number {
  return Math.sumPrecise(
    meanActivation(h, rows, width).map((mean) => {
      const held = mean < CLAMP ? CLAMP : mean > 1 - CLAMP ? 1 - CLAMP : mean;
      return sparsity * Math.log(sparsity / held) + (1 - sparsity) * Math.log((1 - sparsity) / (1 - held));
    }),
  );
}

/** dL/dH[b,j] = ( -ρ/ρ̂_j + (1-ρ)/(1-ρ̂_j) ) / rows; 0 where ρ̂_j is clamped. */
export function sparsityKlGradient(
  h: Float64Array,
  sparsity: number,
  rows: number,
  width: number,
): Float64Array {
  const dH = new Float64Array(h.length);
  meanActivation(h, rows, width).forEach((mean, j) => {
    const isHeld = mean < CLAMP || mean > 1 - CLAMP;
    const gradient = isHeld ? 0 : (-sparsity / mean + (1 - sparsity) / (1 - mean)) / rows;
    for (let b = 0; b < rows; b++) dH[b * width + j] = gradient;
  });
  return dH;
}
