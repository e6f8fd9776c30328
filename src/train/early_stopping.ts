/**
 * Early stopping: which epoch was the best on held-out images, and whether that is too long ago. It follows from the
 * run's metrics alone, so that a run that is resumed decides as if it had never been cut.
 *
 * Source: Prechelt 1998, "Early stopping, but when?", with a count of epochs as the criterion.
 * @module
 */
import type { MetricsRecord } from "../report/run_data.ts";

/** An epoch that improved the held-out error. */
export interface BestEpoch {
  /** The metric that counts. */
  readonly metric: string;
  /** Its value. */
  readonly value: number;
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Steps done at its end. */
  readonly step: number;
}

/**
 * The metric that counts: `test.total` where a recipe's terms add up to something, else the first term of its loss,
 * which is the reconstruction of the pixels.
 */
export function heldOutMetric(line: MetricsRecord): string | undefined {
  return "test.total" in line ? "test.total" : Object.keys(line).find((key) => key.startsWith("test."));
}

/** The lines that measured epochs of a stage. */
function measuredLines(metrics: readonly MetricsRecord[], stage: number | undefined): MetricsRecord[] {
  return metrics.filter((line) => "epoch" in line && "testError" in line && line.stage === stage);
}

/**
 * The latest epoch whose error was smaller than that of the best one before by more than `minDelta`.
 *
 * @param metrics the run's lines, in order
 * @param stage the stage to look at; absent without stages
 * @param minDelta the least fall that is an improvement, in the metric's unit; 0 if absent
 * @returns undefined before the first measured epoch
 */
export function bestEpoch(
  metrics: readonly MetricsRecord[],
  stage: number | undefined,
  minDelta: number = 0,
): BestEpoch | undefined {
  let best: BestEpoch | undefined;
  for (const line of measuredLines(metrics, stage)) {
    const metric = heldOutMetric(line) ?? "testError", value = Number(line[metric]);
    if (best && !(value < best.value - minDelta)) continue;
    best = { metric, value, epoch: Number(line.epoch), step: Number(line.step) };
  }
  return best;
}

/**
 * Whether a stage has had its patience: so many epochs were measured since the best one.
 *
 * @param metrics the run's lines, in order
 * @param stage the stage to look at; absent without stages
 * @param patience epochs without improvement that are endured, at least 1
 * @param minDelta the least fall that is an improvement, in the metric's unit; 0 if absent
 */
export function isOutOfPatience(
  metrics: readonly MetricsRecord[],
  stage: number | undefined,
  patience: number,
  minDelta?: number,
): boolean {
  const best = bestEpoch(metrics, stage, minDelta);
  const last = measuredLines(metrics, stage).at(-1);
  return best !== undefined && Number(last!.epoch) - best.epoch >= patience;
}
