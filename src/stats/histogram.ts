/**
 * A histogram in one line of text.
 * @module
 */

/** Characters from the lowest to the fullest bin. */
const BARS = ".:-=+*#@";

/**
 * Formats a histogram of numbers in [0, 1] with equal bins, one character per bin: from `.` for few to `@`
 * for the fullest, and `_` for an empty bin. The last bin includes 1; numbers outside count in the nearest.
 *
 * ```ts
 * import { histogram } from "./histogram.ts";
 *
 * console.log(histogram([0.05, 0.12, 0.13, 0.98])); // =@_______=
 * ```
 *
 * @param values the numbers
 * @param bins number of bins
 */
export function histogram(values: ArrayLike<number>, bins: number = 10): string {
  const counts = new Array<number>(bins).fill(0);
  for (let k = 0; k < values.length; k++) {
    counts[Math.min(bins - 1, Math.max(0, Math.floor(values[k] * bins)))]++;
  }
  const most = Math.max(1, ...counts);
  return counts.map((count) => count === 0 ? "_" : BARS[Math.ceil(count / most * BARS.length) - 1]).join("");
}
