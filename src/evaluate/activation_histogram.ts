/**
 * Histograms of a layer's activations.
 * @module
 */
import type { ActivationHistogram } from "../report/run_data.ts";

/** Number of bins. */
const BINS = 40;

/**
 * Counts activations in 40 bins of equal width; values that are not finite are ignored.
 *
 * @param label name of the layer
 * @param values activations in any order
 * @param range lower and upper edge of the bins, both inclusive; values outside are ignored. Default: minimum
 *   and maximum, or ±0.5 around the value if all are equal
 */
export function activationHistogram(
  label: string,
  values: Float32Array,
  range: readonly [number, number] = extent(values),
): ActivationHistogram {
  const [low, high] = range;
  const counts = new Array<number>(BINS).fill(0);
  for (let k = 0; k < values.length; k++) { // for … of takes several times as long
    const value = values[k];
    if (value >= low && value <= high) {
      counts[Math.min(BINS - 1, Math.floor((value - low) / (high - low) * BINS))]++;
    }
  }
  return { label, range: [low, high], counts };
}

/** Minimum and maximum finite value, widened if equal; [0, 1] if there is none. */
function extent(values: Float32Array): [number, number] {
  let low = Infinity, high = -Infinity;
  for (let k = 0; k < values.length; k++) {
    const value = values[k];
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}
