/**
 * Errors of test rows for the page: their histograms, and the rows with the highest errors.
 * @module
 */
import { quantileOf } from "../../stats/quantiles.ts";
import type { ImageShape } from "../image_shape.ts";
import type { TestErrors, WorstRows } from "../run_data.ts";
import { scoreHistogram, type ScoreThreshold, thresholdName } from "../score_histogram.ts";
import { imageTile } from "./page_images.ts";
import type { PageErrors, PageWorstRow } from "./page_types.ts";

/** Quantile of the errors above which `deno task score` marks rows unless told otherwise. */
const QUANTILE = 0.99;

/** Makes the histograms of the errors, with the threshold of `deno task score`. */
export function pageErrors({ scores, anomalies }: TestErrors): PageErrors {
  const threshold: ScoreThreshold = {
    rule: `quantile ${QUANTILE}`,
    value: quantileOf(scores.toSorted(), QUANTILE),
  };
  const { isLog, edges, sets } = scoreHistogram([
    { label: "test rows", scores },
    ...(anomalies ? [{ label: "test rows of held-out classes", scores: anomalies }] : []),
  ], threshold);
  return {
    isLog,
    range: [edges[0], edges.at(-1)!],
    sets: sets.map(({ label, shares }) => ({
      label,
      shares: shares.map((share) => Number(share.toPrecision(4))),
    })),
    threshold: Number.isFinite(threshold.value)
      ? { label: thresholdName(threshold), value: threshold.value }
      : undefined,
  };
}

/**
 * Converts the worst rows.
 *
 * @param imageShape height and width, and 3 for color
 */
export function pageWorstRows(
  { rows, images, reconstructions }: WorstRows,
  imageShape: ImageShape,
): PageWorstRow[] {
  const tile = (bytes: Uint8Array, n: number) => imageTile(bytes, n, imageShape);
  return rows.map(({ row, error, label, columns }, n) => ({
    row,
    error: finite(error),
    label,
    images: images && reconstructions && [tile(images, n), tile(reconstructions, n)] as const,
    columns: columns?.map(({ name, value, reconstruction, share }) => ({
      name,
      value: finite(value),
      reconstruction: finite(reconstruction),
      share: finite(share),
    })),
  }));
}

/** Rounds to four significant digits; null for numbers that JSON cannot hold. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}
