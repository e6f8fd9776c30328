/** The differencer of the tests: derivatives of float64 functions by finite differences. */
import { TOLERANCES } from "../../src/check/tolerances.ts";

/** Half the distance between the outer points. */
export const REACH = 2e-3;

/**
 * The derivative of `f` at 0, by central differences at four steps, each half the last, extrapolated to a step of 0
 * (Richardson): what is left is of eighth order, and float64's rounding of f over the smallest step.
 */
export function derivative(f: (step: number) => number): number {
  const rows = Array.from({ length: 4 }, (_, k) => {
    const h = REACH / 2 ** k;
    return (f(h) - f(-h)) / (2 * h);
  });
  for (let order = 1; order < rows.length; order++) {
    for (let k = rows.length - 1; k >= order; k--) {
      rows[k] += (rows[k] - rows[k - 1]) / (4 ** order - 1);
    }
  }
  return rows.at(-1)!;
}

/**
 * What is wrong with a gradient, in words; nothing if each element is that of differences. Errors are relative to the
 * gradient's largest element.
 *
 * @param of what it is the gradient of
 * @param at what it is the gradient by; it is moved and put back
 * @param value the function, of `at` as it is
 */
export function gradientError(
  of: string,
  gradient: Float64Array,
  at: Float64Array,
  value: () => number,
): string | undefined {
  if (gradient.length !== at.length) return `${of}: ${gradient.length} numbers, expected ${at.length}`;
  const scale = gradient.reduce((most, d) => Math.max(most, Math.abs(d)), 1e-3);
  for (let k = 0; k < at.length; k++) {
    const kept = at[k];
    const difference = derivative((step) => {
      at[k] = kept + step;
      return value();
    });
    at[k] = kept;
    const error = Math.abs(gradient[k] - difference) / scale;
    if (!(error <= TOLERANCES.referenceDifference)) {
      return `${of}[${k}]: gradient ${gradient[k]}, by differences ${difference}, ${
        error.toExponential(1)
      } of the largest`;
    }
  }
  return undefined;
}
