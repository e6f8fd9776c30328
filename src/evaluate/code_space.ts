/**
 * Grids and interpolation in a code space with a standard normal prior, and the number of active units.
 * @module
 */

/** Acklam's rational approximations to the normal quantile: numerators and denominators, highest power first. */
const CENTRE = {
  above: [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716],
  last: 2.506628277459239,
  below: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572],
};
const TAIL = {
  above: [
    -0.007784894002430293,
    -0.3223964580411365,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
  ],
  last: 2.938163982698783,
  below: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416],
};
/** Probability at which the tails begin. */
const TAIL_SHARE = 0.02425;

function ratio({ above, last, below }: typeof CENTRE, x: number): number {
  const horner = (coefficients: readonly number[]) => coefficients.reduce((sum, c) => sum * x + c, 0);
  return (horner(above) * x + last) / (horner(below) * x + 1);
}

/**
 * Quantile function of the standard normal distribution. Relative error below 1.2e-9 (P. J.
 * Acklam, "An algorithm for computing the inverse normal cumulative distribution function", 2003).
 *
 * @param share probability in (0, 1)
 * @throws RangeError if `share` is outside (0, 1)
 */
export function normalQuantile(share: number): number {
  if (!(share > 0 && share < 1)) {
    throw new RangeError(`Cannot take a normal quantile: expected a number in (0, 1) but received ${share}`);
  }
  if (share < TAIL_SHARE) return ratio(TAIL, Math.sqrt(-2 * Math.log(share)));
  if (share > 1 - TAIL_SHARE) return -ratio(TAIL, Math.sqrt(-2 * Math.log(1 - share)));
  const centered = share - 0.5;
  return centered * ratio(CENTRE, centered * centered);
}

/**
 * Returns a grid of 2-D codes over the whole space, at the medians of n equally probable strips in each
 * direction.
 *
 * @param n number of codes along each side
 * @returns [n², 2], row by row: the first coordinate increases to the right, the second downwards
 */
export function quantileGrid(n: number): Float32Array<ArrayBuffer> {
  const along = Array.from({ length: n }, (_, k) => normalQuantile((k + 0.5) / n));
  return Float32Array.from(along.flatMap((second) => along.flatMap((first) => [first, second])));
}

/**
 * Interpolates spherically between two codes, both included: the direction rotates at a constant rate and the
 * norm changes linearly, so that intermediate codes have typical norms. Linear interpolation would pass
 * closer to the origin, where a high-dimensional normal distribution has almost no mass (White 2016,
 * "Sampling generative networks"). Linear if the directions are equal, opposite or undefined.
 *
 * @param steps number of codes, at least 2
 * @returns [steps, a.length]
 * @throws RangeError if the codes differ in length, or for fewer than 2 steps
 */
export function interpolateCodes(
  a: Float32Array,
  b: Float32Array,
  steps: number,
): Float32Array<ArrayBuffer> {
  if (a.length !== b.length || !Number.isInteger(steps) || steps < 2) {
    throw new RangeError(
      `Cannot interpolate: expected codes of equal length and at least 2 steps but received ${a.length} and ` +
        `${b.length} numbers and ${steps} steps`,
    );
  }
  const length = (code: Float32Array) => Math.hypot(...code);
  const [fromLength, toLength] = [length(a), length(b)];
  const cosine = a.reduce((sum, value, d) => sum + value * b[d], 0) / (fromLength * toLength);
  const angle = Math.acos(Math.max(-1, Math.min(1, cosine)));
  const isStraight = !(Math.sin(angle) > 1e-6); // also if the angle is NaN
  const codes = new Float32Array(steps * a.length);
  for (let k = 0; k < steps; k++) {
    const t = k / (steps - 1);
    const long = (1 - t) * fromLength + t * toLength;
    const shareOfA = isStraight ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle) * long / fromLength;
    const shareOfB = isStraight ? t : Math.sin(t * angle) / Math.sin(angle) * long / toLength;
    for (let d = 0; d < a.length; d++) codes[k * a.length + d] = shareOfA * a[d] + shareOfB * b[d];
  }
  return codes;
}

/** Variance of the mean code above which a unit is active (Burda et al. 2016, section 5). */
const ACTIVE_VARIANCE = 0.01;

/**
 * Number of active code units: those whose mean code has a variance over images above 0.01 (Burda, Grosse and
 * Salakhutdinov 2016, "Importance weighted autoencoders", section 5).
 *
 * @param codes mean codes, [count, codeSize], row-major
 * @param codeSize number of units of a code
 */
export function activeUnits(codes: Float32Array, codeSize: number): number {
  const count = codes.length / codeSize;
  let active = 0;
  for (let d = 0; d < codeSize; d++) {
    let mean = 0, squares = 0; // Welford 1962
    for (let n = 0; n < count; n++) {
      const value = codes[n * codeSize + d], distance = value - mean;
      mean += distance / (n + 1);
      squares += distance * (value - mean);
    }
    if (squares / count > ACTIVE_VARIANCE) active++;
  }
  return active;
}
