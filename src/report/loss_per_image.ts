/**
 * Converts training losses to the unit of test losses.
 * @module
 */
import type { MetricsRecord, RunData } from "./run_data.ts";

/**
 * Returns the metrics of a run with its training losses per image, like test losses. Some recipes log the loss summed
 * over a batch, as their tutorials do; the run's facts then have `lossIsPerBatch`.
 *
 * @param run the run; its facts and batch size are read
 * @returns the same records, with `loss` divided by the batch size if it is per batch
 */
export function lossPerImage(
  { facts, config, metrics }: Pick<RunData, "facts" | "config" | "metrics">,
): readonly MetricsRecord[] {
  const images = Number(config.batchSize);
  if (facts.lossIsPerBatch !== true || !(images > 0)) return metrics;
  return metrics.map((record) =>
    typeof record.loss === "number" ? { ...record, loss: record.loss / images } : record
  );
}
