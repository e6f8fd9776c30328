/**
 * Histograms of several samples over the same bins, to be compared in one chart.
 * @module
 */

/** Counts of one sample. */
export interface SampleCounts {
  /** Numbers per bin. */
  readonly counts: readonly number[];
  /** Numbers below the first bin. */
  readonly below: number;
  /** Numbers above the last bin, and those that are not finite. */
  readonly above: number;
  /** Largest number; −Infinity if there is none. */
  readonly most: number;
}

/** Histograms over the same bins. */
export interface SharedHistogram {
  /** True if the bins are equally wide in the logarithm. */
  readonly isLog: boolean;
  /** Edges of the bins, rising, one more than bins. The last bin includes its upper edge. */
  readonly edges: readonly number[];
  /** One per sample, in order. */
  readonly samples: readonly SampleCounts[];
}

/** Share of each sample up to which the bins reach at least, and from which they begin if they are logarithmic. */
const SHOWN = 0.99, SKIPPED = 0.005;
/** The bins reach the largest number if it is at most this many times what they must show. */
const ROOM = 2;
/** Bins are logarithmic if they reach beyond this many times the first sample's median. */
const LOG_RATIO = 15;
/** Logarithmic bins begin at the least number if it is not below this fraction of what they must show. */
const FREE = 10;
/** Largest ratio of the edges of logarithmic bins. */
const MAX_RATIO = 1e9;
const MIN_BINS = 10, MAX_BINS = 60;

/**
 * Counts non-negative numbers in bins that show the bulk of every sample: at least 99 % of each, and `marks`. A few far
 * larger numbers do not widen the bins: they are counted in `above`. Bins are equally wide, or, if numbers are spread
 * over more than a factor of 15 from the first sample's median, equally wide in the logarithm. Their number is
 * 2·∛n for the largest sample's n (Rice's rule), from 10 to 60.
 *
 * @param samples numbers of at least 0
 * @param marks numbers that the bins must reach; others than finite ones of at least 0 are ignored
 */
export function sharedHistogram(
  samples: readonly ArrayLike<number>[],
  marks: readonly number[] = [],
): SharedHistogram {
  const sorted = samples.map((sample) =>
    Float64Array.from(sample).filter((value) => Number.isFinite(value) && value >= 0).sort()
  );
  const marked = marks.filter((value) => Number.isFinite(value) && value >= 0);
  const finite = sorted.filter(({ length }) => length > 0);
  const needed = Math.max(0, ...finite.map((sample) => at(sample, SHOWN)), ...marked);
  const most = Math.max(needed, ...finite.map((sample) => sample.at(-1)!));
  const high = most <= ROOM * needed ? most : needed > 0 ? 1.02 * needed : most; // a mark is not on the edge
  const median = finite.length > 0 ? at(finite[0], 0.5) : 0;
  const isLog = median > 0 && high > LOG_RATIO * median;
  const low = isLog
    ? Math.max(lowestOf(finite, marked), high / MAX_RATIO)
    : Math.min(...finite.map((sample) => sample[0]), ...marked, high);
  const start = isLog || low > high / 2 && low < high ? low : 0;
  const end = high > start ? high : start + 1;
  const largest = Math.max(1, ...sorted.map(({ length }) => length));
  const bins = Math.min(MAX_BINS, Math.max(MIN_BINS, Math.ceil(2 * Math.cbrt(largest))));
  const edges = Array.from(
    { length: bins + 1 },
    (_, k) =>
      k === bins ? end : isLog ? start * (end / start) ** (k / bins) : start + k / bins * (end - start),
  );
  return { isLog, edges, samples: samples.map((sample, k) => countsOf(sample, sorted[k], edges)) };
}

/** Number of a sorted sample below which a share of it lies. */
function at(sorted: Float64Array, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))];
}

/** Lower edge of logarithmic bins: the least number above 0, or one that skips few numbers far below all others. */
function lowestOf(sorted: readonly Float64Array[], marks: readonly number[]): number {
  const positive = sorted.map((sample) => sample.filter((value) => value > 0)).filter(({ length }) =>
    length > 0
  );
  const atMark = marks.filter((value) => value > 0);
  const usual = Math.min(...positive.map((sample) => at(sample, SKIPPED)), ...atMark);
  const least = Math.min(...positive.map(([first]) => first), ...atMark);
  return least > usual / FREE ? least : usual;
}

function countsOf(sample: ArrayLike<number>, sorted: Float64Array, edges: readonly number[]): SampleCounts {
  const counts = new Array<number>(edges.length - 1).fill(0);
  let below = 0, bin = 0, inside = 0;
  for (const value of sorted) {
    if (value < edges[0]) below++;
    else if (value <= edges.at(-1)!) {
      while (bin < counts.length - 1 && value >= edges[bin + 1]) bin++;
      counts[bin]++;
      inside++;
    }
  }
  const most = Array.from(sample).reduce((a, b) => Math.max(a, Number.isNaN(b) ? a : b), -Infinity);
  return { counts, below, above: sample.length - below - inside, most };
}
