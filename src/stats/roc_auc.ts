/**
 * Area under the ROC curve.
 * @module
 */

/**
 * Probability that a positive scores higher than a negative, ties counted half: the area under the ROC curve, by the
 * ranks of the scores (Mann and Whitney 1947).
 *
 * @returns a number in [0, 1]; NaN without positives or without negatives
 * @throws RangeError if the lengths differ
 */
export function rocAuc(scores: ArrayLike<number>, isPositive: readonly boolean[]): number {
  const count = scores.length;
  if (count !== isPositive.length) {
    throw new RangeError(`Cannot rank: expected ${count} classes but received ${isPositive.length}`);
  }
  const order = Array.from({ length: count }, (_, n) => n).sort((a, b) => scores[a] - scores[b]);
  let ranks = 0, positives = 0;
  for (let first = 0, end = 0; first < count; first = end) {
    let tied = 0;
    for (end = first; end < count && scores[order[end]] === scores[order[first]]; end++) {
      if (isPositive[order[end]]) tied++;
    }
    ranks += tied * (first + 1 + end) / 2; // mean of the ranks first + 1 … end
    positives += tied;
  }
  return (ranks - positives * (positives + 1) / 2) / (positives * (count - positives));
}
