/**
 * Average precision, the area under the precision-recall curve as a step function.
 * @module
 */

/**
 * Σ_n (R_n − R_(n−1))·P_n over the distinct scores as thresholds, from the highest: P_n and R_n are precision and recall
 * of "positive if the score is at least the n-th threshold", and R_0 = 0. Equal scores are one threshold, as in
 * scikit-learn's `average_precision_score`. In random order it is about the share of positives.
 *
 * @returns a number in (0, 1]; NaN without positives
 * @throws RangeError if the lengths differ
 */
export function averagePrecision(scores: ArrayLike<number>, isPositive: readonly boolean[]): number {
  const count = scores.length;
  if (count !== isPositive.length) {
    throw new RangeError(`Cannot rank: expected ${count} classes but received ${isPositive.length}`);
  }
  const order = Array.from({ length: count }, (_, n) => n).sort((a, b) => scores[b] - scores[a]);
  let sum = 0, found = 0; // of (positives at this threshold)·P_n; positives at or above it
  for (let first = 0, end = 0; first < count; first = end) {
    const before = found;
    for (end = first; end < count && scores[order[end]] === scores[order[first]]; end++) {
      if (isPositive[order[end]]) found++;
    }
    sum += (found - before) * found / end;
  }
  return sum / found;
}
