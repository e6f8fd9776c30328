/**
 * Early stopping on held-out images. The decision depends on the run's metrics alone, so a resumed run
 * decides as an uninterrupted one does.
 *
 * Source: Prechelt 1998, "Early stopping, but when?", with a number of epochs as the criterion.
 * @module
 */
import type { MetricsRecord } from "../report/run_data.ts";

/** An epoch that improved the held-out error. */
export interface BestEpoch {
  /** Name of the held-out metric. */
  readonly metric: string;
  readonly value: number;
  /** Epoch, counted from 1. */
  readonly epoch: number;
  /** Number of steps at the end of the epoch. */
  readonly step: number;
}

/**
 * Name of the held-out metric: `test.total` if the recipe's loss terms have a meaningful sum, else the first
 * term of the loss, which is the reconstruction of the pixels.
 */
export function heldOutMetric(line: MetricsRecord): string | undefined {
  return "test.total" in line ? "test.total" : Object.keys(line).find((key) => key.startsWith("test."));
}

/** Metrics lines with test measurements of a stage. */
function measuredLines(metrics: readonly MetricsRecord[], stage: number | undefined): MetricsRecord[] {
  return metrics.filter((line) => "epoch" in line && "testError" in line && line.stage === stage);
}

/**
 * The last epoch that improved the held-out metric by more than `minDelta`.
 *
 * @param metrics lines of the run's metrics, in order
 * @param stage number of the stage; absent without stages
 * @param minDelta smallest decrease that counts as an improvement, in the metric's unit; default 0
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
 * True if the best epoch of a stage is at least `patience` epochs ago.
 *
 * @param metrics lines of the run's metrics, in order
 * @param stage number of the stage; absent without stages
 * @param patience number of epochs without improvement before training stops, at least 1
 * @param minDelta smallest decrease that counts as an improvement, in the metric's unit; default 0
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
