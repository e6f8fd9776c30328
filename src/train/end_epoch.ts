/**
 * The end of an epoch: measuring the network on the test images, its pictures, the best model, and a checkpoint.
 * @module
 */
import { Diverged } from "../errors.ts";
import { bestEpoch } from "./early_stopping.ts";
import { saveModel } from "./finish_run.ts";
import { rollBack } from "./rollback.ts";
import type { RunInProgress } from "./run_in_progress.ts";

type Figures = Readonly<Record<string, number>>;

/**
 * Measures the network of the current stage on all test images and logs `testError`, the squared error per
 * pixel; `test.<term>`, each unweighted term of the loss, per image if its reduction is `sum` or `sample`,
 * else its mean; and `test.total`, the sum of the terms that the recipe declares additive. Saves a
 * snapshot, pictures, the best model with early stopping, and a checkpoint if one is due. None of this
 * counts as training time.
 *
 * Does nothing after a rollback or an epoch that is not measured. If the user stops within an epoch or this
 * measurement, checkpoint and model are saved first, so that a resumed run does not contain this measurement
 * but makes it itself where it is due.
 */
export async function endEpoch(run: RunInProgress): Promise<void> {
  if (run.isRolledBack) {
    run.isRolledBack = false;
    return;
  }
  const isWhole = run.endsMeasuredEpoch, { stage, checkpoints } = run;
  if (!isWhole && !run.isInterrupted) return;
  let found: Figures | undefined;
  try {
    await run.untimed(() => checkpoints.refuseNotFinite());
    if (!run.isInterrupted) found = await measureUnlessInterrupted(run);
    if (!found) {
      await saveModel(run);
      found = await measure(run);
    }
  } catch (error) {
    await rollBack(run, error);
    run.isRolledBack = false;
    return;
  }
  await run.untimed(() => run.pictures.save(run.epoch, run.step, stage));
  run.logHere(found);
  if (run.isSaved) return;
  await keepBest(run);
  const isOver = run.isStageOver;
  if (!run.isInterrupted && isOver) run.progress.note(stoppedLine(run));
  const isStageOver = isOver ||
    run.options.stages.some((one) => one.stage === stage && one.step.count === one.steps);
  if (isStageOver || checkpoints.isDueStep(run.step) || checkpoints.isDueEpoch(run.epoch)) {
    await run.saveCheckpoint();
  }
}

/** Measures as {@link measure}, but returns undefined if the user interrupts it. */
async function measureUnlessInterrupted(run: RunInProgress): Promise<Figures | undefined> {
  const { signal } = run.interrupt;
  try {
    return await measure(run, signal);
  } catch (error) {
    if (error === signal.reason) return undefined;
    throw error;
  }
}

/**
 * Measures the network on the test images.
 *
 * @throws Diverged if a loss is not finite, with the step of training
 */
async function measure(run: RunInProgress, signal?: AbortSignal): Promise<Figures> {
  try {
    return await run.untimed(() => run.test.measure(run.stage, signal));
  } catch (error) {
    if (!(error instanceof Diverged)) throw error;
    throw new Diverged(`${error.finding}, after step ${run.step} of training`);
  }
}

/** Saves the model if it is the best so far; only with early stopping. */
async function keepBest(run: RunInProgress): Promise<void> {
  const { patience, minDelta } = run.options.config;
  const best = bestEpoch(run.metrics, run.stage, minDelta);
  if (patience === undefined || best?.step !== run.step) return;
  await run.untimed(() => run.checkpoints.keepBest(best));
}

/** Message for a stage that early stopping ends. */
function stoppedLine({ stage, metrics, options: { config: { patience, minDelta } } }: RunInProgress): string {
  const best = bestEpoch(metrics, stage, minDelta)!;
  return `${stage === undefined ? "stopped" : `stage ${stage} stopped`} early: the best ${best.metric}, ` +
    `${best.value.toPrecision(4)}, was reached in epoch ${best.epoch} (--patience ${patience})`;
}
