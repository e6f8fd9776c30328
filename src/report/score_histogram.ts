/**
 * Histograms of reconstruction errors, as charts and the page show them.
 * @module
 */
import { withCommas } from "../errors.ts";
import { sharedHistogram } from "../stats/shared_histogram.ts";

/** Errors of some rows. */
export interface ScoreSet {
  /** Name of the rows, such as `normal`. */
  readonly label: string;
  /** Squared error of each row, mean over its columns. */
  readonly scores: ArrayLike<number>;
}

/** Error above which rows are marked. */
export interface ScoreThreshold {
  /** The rule that it comes from, such as `quantile 0.99`. */
  readonly rule: string;
  readonly value: number;
}

/** Name of a threshold, with its value and its rule. */
export function thresholdName({ rule, value }: ScoreThreshold): string {
  return `threshold ${value.toPrecision(4)} (${rule})`;
}

/** Histograms of several sets over the same bins. */
export interface ScoreHistogram {
  /** True if the bins are equally wide in the logarithm. */
  readonly isLog: boolean;
  /** Edges of the bins, rising, one more than bins. */
  readonly edges: readonly number[];
  readonly sets: readonly {
    /** Name and number of the rows, and the rows that no bin holds. */
    readonly label: string;
    /** Rows in each bin, in percent of the set's rows. */
    readonly shares: readonly number[];
  }[];
}

/** Title of the axis of errors. */
export const SCORE_AXIS = "squared error, mean over columns";

/** Counts the errors of sets in bins that they share, and that reach the threshold. Sets are in percent of their rows. */
export function scoreHistogram(sets: readonly ScoreSet[], threshold?: ScoreThreshold): ScoreHistogram {
  const { isLog, edges, samples } = sharedHistogram(
    sets.map(({ scores }) => scores),
    threshold ? [threshold.value] : [],
  );
  return {
    isLog,
    edges,
    sets: samples.map(({ counts, below, above, most }, k) => {
      const { label, scores: { length } } = sets[k];
      const left = [
        ...(below > 0 ? [`${below} below the first bin`] : []),
        ...(above > 0 ? [`${above} beyond the last, up to ${most.toPrecision(3)}`] : []),
      ];
      const outside = left.length > 0 ? ` (${left.join(", ")})` : "";
      return {
        label: `${label}: ${withCommas(length)} ${length === 1 ? "row" : "rows"}${outside}`,
        shares: counts.map((count) => 100 * count / (length || 1)),
      };
    }),
  };
}
