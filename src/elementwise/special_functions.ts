/**
 * Special functions that WGSL and JavaScript's Math lack, for shaders and references of elementwise ops.
 * @module
 */
import code from "../../shaders/elementwise/special_functions.wgsl" with { type: "text" };

/**
 * WGSL functions of an f32, as `functions` of an elementwise op: `logistic(x)` = 1/(1+e^−x), `expm1(x)` for x
 * ≤ 0, `log1p(x)` for x in [0, 1], `normal_tail(x)` = Φ(−x) for x ≥ 0, and `erf(x)`. The file has their
 * accuracy.
 */
export const SPECIAL_FUNCTIONS: string = code;

/** Switch from erf's series below to erfc's continued fraction above. */
const SERIES_END = 1;
/** Number of terms of the continued fraction: at 1 it has converged to 1e-17. */
const FRACTION_TERMS = 200;
/** Above this x, erfc underflows float64. */
const FRACTION_END = 28;

/** Error function 2/√π ∫₀ˣ e^(−t²) dt in float64, with a relative error of 4e-16. */
export function erf(x: number): number {
  return Math.abs(x) <= SERIES_END ? series(x) : Math.sign(x) * (1 - fraction(Math.abs(x)));
}

/** 1 − erf(x) in float64, with a relative error of 1e-15 for all x without underflow. */
export function erfc(x: number): number {
  if (Math.abs(x) <= SERIES_END) return 1 - series(x);
  return x < 0 ? 2 - fraction(-x) : fraction(x);
}

/** erf by 2/√π·e^(−x²)·Σ 2ⁿx^(2n+1)/(2n+1)!!, whose terms have one sign (Abramowitz and Stegun 7.1.6). */
function series(x: number): number {
  let [sum, term] = [x, x];
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 2 ** -55; n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * gaussian(x) * sum;
}

/** erfc for x ≥ 1 by its continued fraction (Abramowitz and Stegun 7.1.14), evaluated backward. */
function fraction(x: number): number {
  if (x > FRACTION_END) return 0;
  let below = x;
  for (let n = FRACTION_TERMS; n > 0; n--) below = x + n / 2 / below;
  return gaussian(x) / (Math.sqrt(Math.PI) * below);
}

/** e^(−x²). x is split to avoid the rounding of x², which the exponential magnifies to 8e-14 at x² = 700. */
function gaussian(x: number): number {
  const high = Math.fround(x); // whose square is exact
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x));
}
