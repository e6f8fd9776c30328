/**
 * What follows a divergence: an error, or with `--on-nan rollback` the last checkpoint and half the learning rate.
 * @module
 */
import { Diverged } from "../errors.ts";
import { printError } from "../terminal.ts";
import type { RunInProgress } from "./run_in_progress.ts";

/** Largest number of rollbacks: the learning rate is then 1/256 of its start, so another cause is likely. */
const MAX_ROLLBACKS = 8;

/**
 * Rolls back after a divergence under `--on-nan rollback`.
 *
 * @throws Diverged if rollback is off or its limit is reached, with what was kept; any other error as it is
 */
export async function rollBack(run: RunInProgress, error: unknown): Promise<void> {
  if (!(error instanceof Diverged)) throw error;
  const { step, checkpoints } = run;
  run.progress.finish();
  const { savedStep, rollbacks } = checkpoints;
  const kept = savedStep === undefined
    ? "there is no checkpoint yet"
    : `the checkpoint of step ${savedStep} is kept`;
  if (run.options.config.onNan !== "rollback") throw new Diverged(error.finding, kept);
  if (rollbacks.length >= MAX_ROLLBACKS) {
    throw new Diverged(
      `${error.finding}; gave up after ${MAX_ROLLBACKS} rollbacks, with the learning rate times ${checkpoints.rateShare}`,
      `check the data and the network; ${kept}`,
    );
  }
  await run.options.gpu.device.queue.onSubmittedWorkDone();
  run.restoreCheckpoint();
  checkpoints.halveRate(step);
  run.isRolledBack = true;
  const { step: wentBackToStep, rateShare: learningRateShare } = checkpoints;
  run.log({ divergedAtStep: step, wentBackToStep, learningRateShare });
  await run.saveCheckpoint(); // so that a resumed run uses this learning rate
  run.pictures.startAgain();
  printError(
    `warning: ${error.finding}; rolled back to step ${wentBackToStep}; training continues with the ` +
      `learning rate times ${learningRateShare}`,
  );
}
