/**
 * The reconstruction error above which rows are marked as anomalies.
 * @module
 */
import type { ScoreThreshold } from "../report/score_histogram.ts";
import { quantileOf } from "../stats/quantiles.ts";
import { standardDeviation } from "../stats/standard_deviation.ts";

/**
 * Returns a quantile of the errors of held-out rows or, with `deviations`, their mean plus so many standard deviations.
 *
 * @param heldOut errors of held-out rows, in ascending order, at least one
 * @param rule `quantile` in [0, 1]; `deviations` of at least 0, which replaces it
 */
export function scoreThreshold(
  heldOut: Float32Array,
  { quantile, deviations }: { readonly quantile: number; readonly deviations?: number | undefined },
): ScoreThreshold {
  if (deviations === undefined) {
    return { rule: `quantile ${quantile}`, value: quantileOf(heldOut, quantile) };
  }
  const mean = heldOut.reduce((sum, value) => sum + value, 0) / heldOut.length;
  return {
    rule: `mean and ${deviations} standard deviations`,
    value: mean + deviations * standardDeviation(heldOut, 1),
  };
}
