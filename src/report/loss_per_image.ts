/**
 * One unit for the training and the test loss.
 * @module
 */
import type { MetricsRecord, RunData } from "./run_data.ts";

/**
 * The metrics of a run with its losses per image, as those on test images are. Only `tied` files anything else: the
 * squared error of a whole batch, as its tutorial has it.
 *
 * @param run the run, of which recipe and batch size are needed
 * @returns the same lines, `loss` divided by the images of a batch where it is a batch's
 */
export function lossPerImage(
  { recipe, config, metrics }: Pick<RunData, "recipe" | "config" | "metrics">,
): readonly MetricsRecord[] {
  const images = Number(config.batchSize);
  if (recipe !== "tied" || !(images > 0)) return metrics;
  return metrics.map((record) =>
    typeof record.loss === "number" ? { ...record, loss: record.loss / images } : record
  );
}
