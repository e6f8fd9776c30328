/**
 * A training run around the script's loop: the batches of each epoch, and what happens between them.
 * @module
 */
import { permutation } from "../data/shuffle.ts";
import type { LossReading } from "../step/loss_ring.ts";
import type { Batch, Step } from "../step/step.ts";
import { print } from "../terminal.ts";
import { unlessLost } from "./device_loss.ts";
import { endEpoch } from "./end_epoch.ts";
import { finishRun } from "./finish_run.ts";
import { reportLosses } from "./report_losses.ts";
import { rollBack } from "./rollback.ts";
import { RunInProgress, type TrainingRunOptions } from "./run_in_progress.ts";
import type { TrainedStage } from "./stages.ts";

/** A run in progress. Created by {@link TrainingRun.begin}. */
export class TrainingRun implements Disposable {
  readonly #run: RunInProgress;

  /**
   * Creates the run folder with its `config.json` and, with `--live`, starts the dashboard. With `--resume`
   * it continues in that run's folder from its last checkpoint, or from the beginning if it has none.
   *
   * @throws InputError if the folder exists and is not empty, or cannot be written, or the dashboard's port is taken; or
   *   if another process is training the run to resume, or its checkpoint is damaged or of another run
   */
  static async begin(options: TrainingRunOptions): Promise<TrainingRun> {
    const { port, live: isLive } = options.config;
    // first, because the port may be taken; imported only where it is wanted
    const live = isLive ? await (await import("../live/live.ts")).startLive({ port }) : undefined;
    try {
      const run = new RunInProgress(options, live);
      if (live) print(`dashboard ${live.url}`);
      // a rollback before the first checkpoint needs the initial state
      if (options.config.onNan === "rollback" && run.checkpoints.savedStep === undefined) {
        await run.saveCheckpoint();
      }
      return new TrainingRun(run);
    } catch (error) {
      live?.[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(run: RunInProgress) {
    this.#run = run;
  }

  /** Path of the run folder. */
  get folder(): string {
    return this.#run.folder;
  }

  /** True if the user asked to stop, with Ctrl-C or on the dashboard. */
  get isInterrupted(): boolean {
    return this.#run.isInterrupted;
  }

  /** Factor of the learning rate: 1 at first, halved at each rollback. */
  get rateShare(): number {
    return this.#run.checkpoints.rateShare;
  }

  /**
   * Yields the batches of a training step, epoch after epoch: each image once per epoch, each epoch in a new
   * order. After each epoch it measures the network and saves a checkpoint if one is due. It ends after the
   * last step, when the user asks to stop, and when the error on test images has not improved for
   * `--patience` epochs. A resumed run starts at its last checkpoint, as does a run after a rollback. The
   * loop's body must run the step once on each batch, and call {@link report} if {@link isDue} returns true.
   *
   * @param step one of the steps passed to {@link begin}
   * @throws TypeError if the step is not one of them, or the loop's body did not run it exactly once
   * @throws Diverged if a loss or parameter is NaN or infinite
   * @throws LostRun if the GPU was lost, as do {@link report} and {@link finish}
   */
  async *batches(step: Step): AsyncGenerator<Batch, void> {
    const run = this.#run, { stages, epochBatches, images, shuffles, config: { seed } } = run.options;
    const trained = stages.find((stage) => stage.step === step);
    if (!trained) {
      throw new TypeError("Cannot train this step: expected one of those passed to start()");
    }
    run.stage = trained.stage;
    for (;;) {
      run.epoch = Math.max(1, Math.ceil(run.step / epochBatches.length));
      if (this.#lacksMeasurement(trained)) await unlessLost(run, () => endEpoch(run));
      if (step.count >= trained.steps || run.isStageOver) return;
      run.epoch = 1 + Math.floor(run.step / epochBatches.length);
      if (shuffles) images.setOrder(permutation(images.count, seed, run.epoch));
      for (const batch of epochBatches.slice(step.count % epochBatches.length)) {
        const before = step.count;
        yield batch;
        const runs = step.count - before;
        if (runs !== 1 && !run.isRolledBack) {
          throw new TypeError(
            `Cannot continue training: expected the loop to run the step once on each batch but it ran ${runs} times`,
          );
        }
        await step.keepPace();
        if (run.isInterrupted || run.isRolledBack || step.count === trained.steps) break;
      }
      await unlessLost(run, () => endEpoch(run));
    }
  }

  /** True if a resumed run begins after an epoch whose measurement was interrupted. */
  #lacksMeasurement(trained: TrainedStage): boolean {
    const run = this.#run;
    if (run.isInterrupted || run.options.stages.findLast(({ step }) => step.count > 0) !== trained) {
      return false;
    }
    return run.endsMeasuredEpoch &&
      !run.metrics.some((line) => line.step === run.step && "testError" in line);
  }

  /**
   * True if {@link report} must be called now: every `--log-every` steps, after the last step, when a
   * checkpoint or a picture for the dashboard is due, and, in training by stages, after each epoch.
   *
   * @param step the step being trained
   */
  isDue(step: Step): boolean {
    const { reportsEpochs, epochBatches } = this.#run.options;
    return this.isDueAt(this.#run.step) || reportsEpochs && step.count % epochBatches.length === 0;
  }

  /**
   * True if a report is due after this step, counted over all stages; ignores the ends of a stage's epochs.
   */
  isDueAt(step: number): boolean {
    const { checkpoints, pictures, options: { steps, config: { logEvery } } } = this.#run;
    return step % logEvery === 0 || step === steps || checkpoints.isDueStep(step) || pictures.isDue(step);
  }

  /**
   * Prints and logs the mean losses since the last report. Updates the dashboard and waits while training is
   * paused there. If training has diverged, `--on-nan rollback` restores the last checkpoint.
   *
   * @param reading pending losses of the step
   * @throws Diverged if a loss is NaN or infinite and rollback is off or its limit is reached
   */
  async report(reading: Promise<LossReading>): Promise<void> {
    const run = this.#run;
    await unlessLost(run, async () => {
      let losses: LossReading;
      try {
        losses = await reading;
      } catch (error) {
        return await rollBack(run, error);
      }
      await reportLosses(run, losses);
    });
  }

  /**
   * Runs work that is not training, such as pictures or measurements. Its time is excluded from images per
   * second and from the `seconds` of the metrics.
   *
   * @returns the result of the work
   */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    return await unlessLost(this.#run, () => this.#run.untimed(work));
  }

  /**
   * Ends the run: saves the model, evaluates it on the test images, saves results, pictures, codes and the
   * report, and prints the results table.
   *
   * @returns exit code of the script: 0, or that of Ctrl-C
   */
  async finish(): Promise<number> {
    return await unlessLost(this.#run, () => finishRun(this.#run));
  }

  /** Closes the files, frees GPU objects and restores the default action of Ctrl-C. */
  [Symbol.dispose](): void {
    this.#run[Symbol.dispose]();
  }
}
