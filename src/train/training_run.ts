/**
 * A training run around the script's loop: run folder, progress, metrics, Ctrl-C, checkpoints and results.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { Diverged } from "../errors.ts";
import { print, printError } from "../terminal.ts";
import { permutation } from "../data/shuffle.ts";
import type { Batch, Step } from "../graph/step.ts";
import type { DeviceImages } from "../layers/gather_batch.ts";
import type { TensorFigures } from "../graph/tensor_stats.ts";
import type { MetricsRecord, TensorRecord } from "../report/run_data.ts";
import { type Live, startLive } from "../live/live.ts";
import { beginFolder, continueFolder } from "./begin_folder.ts";
import { commandLine } from "../cli/command_line.ts";
import { type Interrupt, watchInterrupt } from "../cli/command.ts";
import { bestEpoch, isOutOfPatience } from "./early_stopping.ts";
import type { InitialLoss } from "../evaluate/initial_loss.ts";
import { measureOverfit } from "../evaluate/overfit.ts";
import { Phases } from "../cli/phases.ts";
import { Progress } from "../cli/progress.ts";
import { RunCheckpoints } from "./checkpoints.ts";
import { removeOtherPictures, RunPictures } from "./epoch_pictures.ts";
import { writeSafetensors } from "../files/safetensors.ts";
import type { TrainedStage } from "./stages.ts";
import { EpochTestLosses } from "../evaluate/epoch_test_losses.ts";
import { MetricsLog, readMetrics } from "../runs/metrics_log.ts";
import { writeMeanImage } from "../runs/mean_image_file.ts";
import type { EvaluatedNetwork } from "../recipe/evaluated_network.ts";
import type { LossReading } from "../graph/loss_ring.ts";
import { TrainingClock } from "./clock.ts";
import { bestLine, saveResults } from "./save_results.ts";

/** Options of {@link TrainingRun.begin}. */
export interface TrainingRunOptions {
  /** Name of the recipe. */
  readonly recipe: string;
  /** All flags, resolved. */
  readonly config: Readonly<Record<string, unknown>> & {
    readonly seed: number;
    readonly out?: string | undefined;
    readonly batchSize: number;
    readonly resume?: string | undefined;
    readonly checkpointEvery?: string | undefined;
    readonly keep?: number | undefined;
    readonly patience?: number | undefined;
    readonly minDelta?: number | undefined;
    readonly overfitBatch?: boolean | undefined;
    readonly holdOutClass?: readonly string[] | undefined;
    readonly onNan?: "stop" | "rollback" | undefined;
    readonly logEvery: number;
    readonly live: boolean;
    readonly port: number;
    readonly pictureEvery: number;
    readonly quiet: boolean;
  };
  /** The device that training runs on. */
  readonly gpu: Gpu;
  /** Names of the matrix products that each kernel computes. */
  readonly kernels: Readonly<Record<string, readonly string[]>>;
  /** The data set, with training and test images. */
  readonly data: Dataset;
  /** The network's parameters. */
  readonly parameters: Parameters;
  /** The network as it is evaluated. */
  readonly evaluated: EvaluatedNetwork;
  /** Total number of epochs. */
  readonly epochs: number;
  /** Total number of steps, over all stages. */
  readonly steps: number;
  /** The stages in order; a single one without a number if the recipe has none. */
  readonly stages: readonly TrainedStage[];
  /** True if losses are also reported after each epoch, regardless of `--log-every`. */
  readonly reportsEpochs: boolean;
  /** The training images, whose order changes from epoch to epoch. */
  readonly images: DeviceImages;
  /** The batches of an epoch, as ranges of the epoch's order. */
  readonly epochBatches: readonly Batch[];
  /** True if each epoch has a new order. */
  readonly shuffles: boolean;
  /** Loss before the first step; absent for a resumed run. */
  readonly initialLoss: InitialLoss | undefined;
  /** Number of epochs between two measurements on test images. The last epoch is always measured. */
  readonly measureEvery: number;
}

/** Largest number of rollbacks: the learning rate is then 1/256 of its start, so another cause is likely. */
const MAX_ROLLBACKS = 8;

/** A run in progress. Created by {@link TrainingRun.begin}. */
export class TrainingRun implements Disposable {
  /** Path of the run folder. */
  readonly folder: string;
  readonly #options: TrainingRunOptions;
  readonly #log: MetricsLog;
  #metrics: MetricsRecord[] = [];
  readonly #progress: Progress;
  readonly #interrupt: Interrupt = watchInterrupt();
  readonly #clock = new TrainingClock();
  #images = 0;
  #rolledBack = false; // in this epoch
  #isSaved = false; // the model, at the end of the run
  #epoch = 1; // the current one
  #stage: number | undefined; // the current one, if there are stages
  readonly #checkpoints: RunCheckpoints;
  readonly #test: EpochTestLosses;
  readonly #pictures: RunPictures;

  /**
   * Creates the run folder with its `config.json` and, with `--live`, starts the dashboard. With `--resume`
   * it continues in that run's folder from its last checkpoint, or from the beginning if it has none.
   *
   * @throws InputError if the folder exists and is not empty, or cannot be written, or the dashboard's port is taken; or
   *   if another process is training the run to resume, or its checkpoint is damaged or of another run
   */
  static async begin(options: TrainingRunOptions): Promise<TrainingRun> {
    const { port, live: isLive } = options.config;
    const live = isLive ? await startLive({ port }) : undefined; // first, because the port may be taken
    try {
      const run = new TrainingRun(options, live);
      if (live) print(`dashboard ${live.url}`);
      // a rollback before the first checkpoint needs the initial state
      if (options.config.onNan === "rollback" && run.#checkpoints.savedStep === undefined) {
        await run.#checkpoint();
      }
      return run;
    } catch (error) {
      live?.[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(options: TrainingRunOptions, live: Live | undefined) {
    const { config, gpu, data, parameters, evaluated } = options, { seed, pictureEvery } = config;
    this.#options = options;
    using owned = new DisposableStack();
    owned.use(this.#interrupt);
    this.folder = config.resume ?? beginFolder(options);
    this.#log = owned.use(new MetricsLog(this.folder));
    this.#checkpoints = new RunCheckpoints(this.folder, this.#log, {
      ...options,
      stepsPerEpoch: options.epochBatches.length,
    });
    if (config.resume !== undefined) {
      continueFolder(this.folder, options, () => {
        this.#restoreCheckpoint();
        return this.#checkpoints.step;
      });
      if (!config.quiet) print(`resumed   after step ${this.#checkpoints.step} of ${options.steps}`);
    }
    this.#test = new EpochTestLosses(options);
    this.#pictures = new RunPictures({
      folder: this.folder,
      gpu,
      parameters,
      data,
      evaluated,
      seed,
      live,
      pictureEvery,
    });
    this.#progress = new Progress({
      ...options,
      firstStep: this.#checkpoints.step,
      now: () => this.#clock.now(),
      ...(config.quiet ? { write: () => {} } : {}),
    });
    owned.move(); // disposed of by this object from now on
  }

  /** Restores the last checkpoint, or the beginning of the run if there is none. */
  #restoreCheckpoint(): void {
    const seconds = this.#checkpoints.restoreCheckpoint();
    if (seconds !== undefined) this.#clock.restore(1000 * seconds);
    this.#metrics = readMetrics(this.folder);
    const epochs = this.#metrics.filter((line) => "testError" in line).map(({ epoch }) => Number(epoch));
    removeOtherPictures(this.folder, new Set(epochs));
  }

  /** True if the user asked to stop, with Ctrl-C or on the dashboard. */
  get isInterrupted(): boolean {
    return this.#interrupt.requested || this.#pictures.live?.isStopped === true;
  }

  /** True if the epoch ends now, because the user asked to stop or training was rolled back. */
  get #stopsEpoch(): boolean {
    return this.isInterrupted || this.#rolledBack;
  }

  /** Factor of the learning rate: 1 at first, halved at each rollback. */
  get rateShare(): number {
    return this.#checkpoints.rateShare;
  }

  /** True if the current stage ends early: on the user's request or by early stopping. */
  #isOver(): boolean {
    const { patience, minDelta } = this.#options.config;
    return this.isInterrupted ||
      patience !== undefined && isOutOfPatience(this.#metrics, this.#stage, patience, minDelta);
  }

  /** Number of steps done, over all stages. */
  get #step(): number {
    return this.#checkpoints.step;
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
   */
  async *batches(step: Step): AsyncGenerator<Batch, void> {
    const { stages, epochBatches, images, shuffles, config: { seed } } = this.#options;
    const trained = stages.find((stage) => stage.step === step);
    if (!trained) {
      throw new TypeError("Cannot train this step: expected one of those passed to start()");
    }
    this.#stage = trained.stage;
    for (;;) {
      this.#epoch = Math.max(1, Math.ceil(this.#step / epochBatches.length));
      if (this.#lacksMeasurement(trained)) await this.#endEpoch();
      if (step.count >= trained.steps || this.#isOver()) return;
      this.#epoch = 1 + Math.floor(this.#step / epochBatches.length);
      if (shuffles) images.setOrder(permutation(images.count, seed, this.#epoch));
      for (const batch of epochBatches.slice(step.count % epochBatches.length)) {
        const before = step.count;
        yield batch;
        const runs = step.count - before;
        if (runs !== 1 && !this.#rolledBack) {
          throw new TypeError(
            `Cannot continue training: expected the loop to run the step once on each batch but it ran ${runs} times`,
          );
        }
        await step.keepPace();
        if (this.#stopsEpoch || step.count === trained.steps) break;
      }
      await this.#endEpoch();
    }
  }

  /** True if a resumed run begins after an epoch whose measurement was interrupted. */
  #lacksMeasurement(trained: TrainedStage): boolean {
    if (this.isInterrupted || this.#options.stages.findLast(({ step }) => step.count > 0) !== trained) {
      return false;
    }
    return this.#endsMeasured &&
      !this.#metrics.some((line) => line.step === this.#step && "testError" in line);
  }

  /**
   * True if {@link report} must be called now: every `--log-every` steps, after the last step, when a
   * checkpoint or a picture for the dashboard is due, and, in training by stages, after each epoch.
   *
   * @param step the step being trained
   */
  isDue(step: Step): boolean {
    const { reportsEpochs, epochBatches } = this.#options;
    return this.isDueAt(this.#step) || reportsEpochs && step.count % epochBatches.length === 0;
  }

  /**
   * True if a report is due after this step, counted over all stages; ignores the ends of a stage's epochs.
   */
  isDueAt(step: number): boolean {
    const { steps, config: { logEvery } } = this.#options;
    return step % logEvery === 0 || step === steps || this.#checkpoints.isDueStep(step) ||
      this.#pictures.isDue(step);
  }

  /** True at the end of an epoch that is measured. */
  get #endsMeasured(): boolean {
    const { steps, epochBatches, measureEvery } = this.#options, step = this.#step;
    return step === steps || step % epochBatches.length === 0 && this.#epoch % measureEvery === 0;
  }

  /** Saves a checkpoint, outside training time. */
  async #checkpoint(): Promise<void> {
    await this.untimed(() => this.#checkpoints.save(this.#clock.milliseconds / 1000));
  }

  #file(record: MetricsRecord): void {
    this.#log.write(record);
    this.#metrics.push(record);
    this.#pictures.live?.publish({ kind: "metrics", record });
  }

  #fileHere(figures: MetricsRecord): void {
    const stage = this.#stage, seconds = Math.round(this.#clock.milliseconds) / 1000;
    const place = { epoch: this.#epoch, step: this.#step, ...(stage === undefined ? {} : { stage }) };
    this.#file({ ...place, ...figures, seconds });
  }

  /**
   * Prints and logs the mean losses since the last report. Updates the dashboard and waits while training is
   * paused there. If training has diverged, `--on-nan rollback` restores the last checkpoint.
   *
   * @param reading pending losses of the step
   * @throws Diverged if a loss is NaN or infinite and rollback is off or its limit is reached
   */
  async report(reading: Promise<LossReading>): Promise<void> {
    let losses: LossReading;
    try {
      losses = await reading;
    } catch (error) {
      return await this.#recover(error);
    }
    const epoch = this.#epoch, step = this.#step;
    this.#images += losses.rows;
    this.#progress.update({ epoch, step, losses: losses.mean, images: this.#images });
    const norms = losses.gradientNorms;
    this.#fileHere({
      ...losses.mean,
      ...(norms ? { gradientNorm: norms.reduce((sum, norm) => sum + norm, 0) / norms.length } : {}),
      ...(losses.tensors ? { tensors: tensorRecords(losses.tensors) } : {}),
    });
    const { live } = this.#pictures;
    if (live) await this.#showLive(live);
    // at the end of a measured epoch, the checkpoint is saved after the measurement
    if (this.#checkpoints.isDueStep(step) && !this.#endsMeasured) await this.#checkpoint();
  }

  /** Rolls back after a divergence under `--on-nan rollback`; throws any other error. */
  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof Diverged)) throw error;
    const step = this.#step;
    this.#progress.finish();
    const { savedStep, rollbacks } = this.#checkpoints;
    const kept = savedStep === undefined
      ? "there is no checkpoint yet"
      : `the checkpoint of step ${savedStep} is kept`;
    if (this.#options.config.onNan !== "rollback") throw new Diverged(error.finding, kept);
    if (rollbacks.length >= MAX_ROLLBACKS) {
      throw new Diverged(
        `${error.finding}; gave up after ${MAX_ROLLBACKS} rollbacks, with the learning rate times ${this.rateShare}`,
        `check the data and the network; ${kept}`,
      );
    }
    await this.#options.gpu.device.queue.onSubmittedWorkDone();
    this.#restoreCheckpoint();
    this.#checkpoints.halveRate(step);
    this.#rolledBack = true;
    this.#file({
      divergedAtStep: step,
      wentBackToStep: this.#checkpoints.step,
      learningRateShare: this.rateShare,
    });
    await this.#checkpoint(); // so that a resumed run uses this learning rate
    this.#pictures.startAgain();
    printError(
      `warning: ${error.finding}; rolled back to step ${this.#checkpoints.step}; training continues with the ` +
        `learning rate times ${this.rateShare}`,
    );
  }

  async #showLive(live: Live): Promise<void> {
    const { epochs, steps } = this.#options, milliseconds = this.#clock.milliseconds;
    const epoch = this.#epoch, step = this.#step;
    live.publish({
      kind: "progress",
      progress: {
        epoch,
        epochs,
        step,
        steps,
        imagesPerSecond: 1000 * this.#images / this.#clock.millisecondsHere,
        secondsLeft: milliseconds / 1000 / step * (steps - step),
      },
    });
    if (this.#pictures.isDue(step)) {
      await this.#clock.untimed(() => this.#pictures.show(epoch, step, this.#stage)); // the GPU is idle
    }
    if (live.isPaused) await this.#clock.untimed(() => live.whilePaused(() => this.#interrupt.requested));
  }

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
  async #endEpoch(): Promise<void> {
    if (this.#rolledBack) {
      this.#rolledBack = false;
      return;
    }
    const isWhole = this.#endsMeasured, stage = this.#stage;
    if (!isWhole && !this.isInterrupted) return;
    let found: Readonly<Record<string, number>> | undefined;
    try {
      await this.untimed(() => this.#checkpoints.refuseNotFinite());
      if (!this.isInterrupted) found = await this.#measure(stage);
      if (!found) {
        await this.#saveModel();
        found = await this.untimed(() => this.#test.measure(stage));
      }
    } catch (error) {
      await this.#recover(error);
      this.#rolledBack = false;
      return;
    }
    await this.untimed(() => this.#pictures.save(this.#epoch, this.#step, stage));
    this.#fileHere(found);
    if (this.#isSaved) return;
    await this.#keepBest();
    const isOver = this.#isOver();
    if (!this.isInterrupted && isOver) this.#progress.note(this.#stoppedLine(stage));
    const isStageOver = isOver ||
      this.#options.stages.some((one) => one.stage === stage && one.step.count === one.steps);
    if (isStageOver || this.#checkpoints.isDueStep(this.#step) || this.#checkpoints.isDueEpoch(this.#epoch)) {
      await this.#checkpoint();
    }
  }

  /** Measures the network on the test images; returns undefined if the user interrupts it. */
  async #measure(stage: number | undefined): Promise<Readonly<Record<string, number>> | undefined> {
    const { signal } = this.#interrupt;
    try {
      return await this.untimed(() => this.#test.measure(stage, signal));
    } catch (error) {
      if (error === signal.reason) return undefined;
      throw error;
    }
  }

  /** Saves the model if it is the best so far; only with early stopping. */
  async #keepBest(): Promise<void> {
    const { patience, minDelta } = this.#options.config;
    const best = bestEpoch(this.#metrics, this.#stage, minDelta);
    if (patience === undefined || best?.step !== this.#step) return;
    await this.untimed(() => this.#checkpoints.keepBest(best));
  }

  /** Message for a stage that early stopping ends. */
  #stoppedLine(stage: number | undefined): string {
    const { patience, minDelta } = this.#options.config, best = bestEpoch(this.#metrics, stage, minDelta)!;
    return `${stage === undefined ? "stopped" : `stage ${stage} stopped`} early: the best ${best.metric}, ` +
      `${best.value.toPrecision(4)}, was reached in epoch ${best.epoch} (--patience ${patience})`;
  }

  /**
   * Runs work that is not training, such as pictures or measurements. Its time is excluded from images per
   * second and from the `seconds` of the metrics.
   *
   * @returns the result of the work
   */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    await this.#options.gpu.device.queue.onSubmittedWorkDone(); // submitted steps still count as training
    return await this.#clock.untimed(work);
  }

  /**
   * Ends the run: saves the model, evaluates it on the test images, saves results, pictures, codes and the
   * report, and prints the results table.
   *
   * @returns exit code of the script: 0, or that of Ctrl-C
   */
  async finish(): Promise<number> {
    const { gpu, config } = this.#options, steps = this.#step, { folder } = this;
    this.#progress.finish();
    await gpu.device.queue.onSubmittedWorkDone();
    const stepMilliseconds = steps > 0 ? this.#clock.milliseconds / steps : undefined;
    if (!this.#isSaved) await this.#saveModel();
    const status = this.isInterrupted ? "interrupted" : "finished";
    const say = (...lines: readonly string[]) => this.#say(...lines);
    this.#test[Symbol.dispose](); // frees the test images, which saveResults() uploads again
    const [pictures, metrics] = [this.#pictures, this.#metrics],
      log = (record: MetricsRecord) => this.#file(record);
    using phases = new Phases(say);
    const begin = (phase: string) => phases.begin(phase), releaseSignals = () => this.#interrupt.dispose();
    const ended = { folder, pictures, metrics, stepMilliseconds, status } as const;
    say(...(await saveResults({ ...this.#options, ...ended, log, begin, releaseSignals })).split("\n"));
    if (this.#checkpoints.best) say(bestLine(this.#checkpoints.best));
    if (config.overfitBatch) say(await measureOverfit(this.#options));
    say(`run saved in ${folder}; open report.html there`);
    if (status === "interrupted") say(this.#resumeLine);
    return this.#interrupt.exitCode;
  }

  #say(...lines: readonly string[]): void {
    if (!this.#options.config.quiet) print(...lines);
  }

  get #resumeLine(): string {
    return `resume with: ${commandLine(Deno.mainModule, ["--resume", this.folder])}`;
  }

  /** Saves checkpoint and model; from then on, an interruption ends the process at once. */
  async #saveModel(): Promise<void> {
    this.#progress.finish();
    const isTrained = this.#step === this.#options.steps;
    if (this.isInterrupted) {
      this.#say(isTrained ? "saving the model" : "interrupted: saving the model trained so far");
    }
    if (this.#checkpoints.savedStep !== this.#step) await this.#checkpoint();
    const { tensors, metadata } = await this.#checkpoints.model();
    const mean = this.#options.evaluated.usedMeanImage();
    if (mean) writeMeanImage(this.folder, mean); // before the model, which marks a finished run
    writeSafetensors(join(this.folder, "model.safetensors"), tensors, metadata);
    this.#isSaved = true;
    this.#interrupt.exitWith(
      `Stopped before all was measured: the model is saved in ${this.folder}; ${this.#resumeLine}`,
    );
  }

  /** Closes the files, frees GPU objects and restores the default action of Ctrl-C. */
  [Symbol.dispose](): void {
    this.#pictures[Symbol.dispose]();
    this.#test[Symbol.dispose]();
    this.#interrupt.dispose();
    this.#log.close();
  }
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
