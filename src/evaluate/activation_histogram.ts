/**
 * How a layer's activations are spread.
 * @module
 */
import type { ActivationHistogram } from "../report/run_data.ts";

/** Equal bins of a histogram. */
const BINS = 40;

/**
 * Counts activations in 40 equal bins. What is not finite is not counted.
 *
 * @param label the layer's name
 * @param values its activations, in any order
 * @param range the lowest bin's lower and the highest bin's upper edge, which is counted too; what lies outside is
 *   not counted. Absent: from the least to the greatest value, or 0.5 to both sides if all are equal
 */
export function activationHistogram(
  label: string,
  values: Float32Array,
  range: readonly [number, number] = extent(values),
): ActivationHistogram {
  const [low, high] = range;
  const counts = new Array<number>(BINS).fill(0);
  for (const value of values) {
    if (value >= low && value <= high) {
      counts[Math.min(BINS - 1, Math.floor((value - low) / (high - low) * BINS))]++;
    }
  }
  return { label, range: [low, high], counts };
}

/** The least and the greatest finite value, apart; [0, 1] if there is none. */
function extent(values: Float32Array): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}
