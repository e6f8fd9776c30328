/**
 * The reports within an epoch: mean losses on the progress line, in the metrics and on the dashboard.
 * @module
 */
import type { LossReading } from "../step/loss_ring.ts";
import type { TensorFigures } from "../step/tensor_stats.ts";
import type { Pace } from "../cli/progress.ts";
import type { Live } from "../live/live.ts";
import type { TensorRecord } from "../report/run_data.ts";
import type { RunInProgress } from "./run_in_progress.ts";

/**
 * Prints and logs the mean losses of a reading, then updates the dashboard, waits while training is paused there, and
 * saves a checkpoint if one is due.
 */
export async function reportLosses(run: RunInProgress, losses: LossReading): Promise<void> {
  const { epoch, step } = run;
  run.images += losses.rows;
  const pace = run.progress.update({ epoch, step, losses: losses.mean, images: run.images });
  const norms = losses.gradientNorms;
  run.logHere({
    ...losses.mean,
    ...(norms ? { gradientNorm: norms.reduce((sum, norm) => sum + norm, 0) / norms.length } : {}),
    ...(losses.tensors ? { tensors: tensorRecords(losses.tensors) } : {}),
  });
  const { live } = run.pictures;
  if (live) await showLive(run, live, pace);
  // at the end of a measured epoch, the checkpoint is saved after the measurement
  if (run.checkpoints.isDueStep(step) && !run.endsMeasuredEpoch) await run.saveCheckpoint();
}

async function showLive(run: RunInProgress, live: Live, pace: Pace): Promise<void> {
  const { epoch, step, stage, clock, pictures, options: { epochs, steps } } = run;
  live.publish({ kind: "progress", progress: { epoch, epochs, step, steps, ...pace } });
  if (pictures.isDue(step)) await clock.untimed(() => pictures.show(epoch, step, stage)); // the GPU is idle
  if (live.isPaused) await clock.untimed(() => live.whilePaused(() => run.interrupt.requested));
}

/** Figures of the watched tensors by name, rounded to 5 significant digits. */
function tensorRecords(tensors: readonly TensorFigures[]): Readonly<Record<string, TensorRecord>> {
  const round = (value: number) => Number(value.toPrecision(5));
  return Object.fromEntries(tensors.map(({ name, gradientNorm, weightNorm, updateRatio }) => [name, {
    gradientNorm: round(gradientNorm),
    weightNorm: round(weightNorm),
    updateRatio: round(updateRatio),
  }]));
}
