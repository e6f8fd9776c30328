/**
 * One unit for the training and the test loss.
 * @module
 */
import type { MetricsRecord, RunData } from "./run_data.ts";

/**
 * The metrics of a run with its losses per image, as those on test images are. A recipe may file the loss of a whole
 * batch, as its tutorial has it: then the run's facts say `lossIsPerBatch`.
 *
 * @param run the run, of which facts and batch size are needed
 * @returns the same lines, `loss` divided by the images of a batch where it is a batch's
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
