/**
 * What every training script does around its loop: the run folder, progress and metrics, Ctrl-C, and saving.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { Diverged } from "../errors.ts";
import { permutation } from "../data/shuffle.ts";
import type { Batch, Step } from "../graph/step.ts";
import type { DeviceImages } from "../layers/gather_batch.ts";
import type { TensorFigures } from "../graph/tensor_stats.ts";
import { resultsTable } from "../report/results_table.ts";
import { codesCsv } from "../runs/codes_csv.ts";
import { reconstructionGrid } from "../report/picture.ts";
import type { MetricsRecord, TensorRecord } from "../report/run_data.ts";
import { type Live, startLive } from "../live/live.ts";
import { beginFolder, continueFolder } from "./begin_folder.ts";
import type { StoredModel } from "../runs/checkpoint_file.ts";
import { commandLine } from "../cli/command_line.ts";
import { type Interrupt, watchInterrupt } from "../cli/command.ts";
import { bestEpoch, isOutOfPatience } from "./early_stopping.ts";
import { evaluate, type Evaluation, PICTURES } from "../evaluate/evaluate.ts";
import type { InitialLoss } from "../evaluate/initial_loss.ts";
import { measureOverfit } from "../evaluate/overfit.ts";
import { Progress } from "../cli/progress.ts";
import { RunCheckpoints } from "./checkpoints.ts";
import type { Results } from "../runs/results.ts";
import { removeOtherPictures, RunPictures } from "./epoch_pictures.ts";
import { writeSafetensors } from "../files/safetensors.ts";
import type { TrainedStage } from "./stages.ts";
import { EpochTestLosses } from "../evaluate/epoch_test_losses.ts";
import { MetricsLog, readMetrics } from "../runs/metrics_log.ts";
import { writeFileAtomic } from "../files/write_file.ts";
import { baselinesOf, type EvaluatedNetwork, resultsRows } from "../recipe/evaluated_network.ts";
import type { LossReading } from "../graph/loss_ring.ts";

/** What a run is about. */
export interface TrainingRunOptions {
  /** The recipe's name. */
  readonly recipe: string;
  /** Every resolved flag. */
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
    readonly onNan?: "stop" | "rollback" | undefined;
    readonly logEvery: number;
    readonly live: boolean;
    readonly port: number;
    readonly pictureEvery: number;
    readonly quiet: boolean;
  };
  /** The device. */
  readonly gpu: Gpu;
  /** Which products of the training each kernel computes. */
  readonly kernels: Readonly<Record<string, readonly string[]>>;
  /** The data set. */
  readonly data: Dataset;
  /** What is learned. */
  readonly parameters: Parameters;
  /** How the network is measured. */
  readonly evaluated: EvaluatedNetwork;
  /** Passes over the images. */
  readonly epochs: number;
  /** Steps in all. */
  readonly steps: number;
  /** What will be run, in order; one without a number if there are no stages. */
  readonly stages: readonly TrainedStage[];
  /** Whether losses are reported after each epoch too, whatever `--log-every` says. */
  readonly reportsEpochs: boolean;
  /** The training images, whose order changes from epoch to epoch. */
  readonly images: DeviceImages;
  /** The batches of an epoch, over places in the epoch's order. */
  readonly epochBatches: readonly Batch[];
  /** Whether each epoch has a new order. */
  readonly shuffles: boolean;
  /** The loss before training; absent where a run goes on. */
  readonly initialLoss: InitialLoss | undefined;
  /** Epochs between two measurements. The last epoch is always measured. */
  readonly measureEvery: number;
}

/** Times that a run goes back before it gives up: the learning rate is a 256th then, and cannot be what is wrong. */
const MAX_ROLLBACKS = 8;

/** A run in progress. Begin one with {@link TrainingRun.begin}. */
export class TrainingRun implements Disposable {
  /** Its folder. */
  readonly folder: string;
  readonly #options: TrainingRunOptions;
  readonly #log: MetricsLog;
  #metrics: MetricsRecord[] = [];
  readonly #progress: Progress;
  readonly #interrupt: Interrupt = watchInterrupt();
  readonly #started = performance.now();
  #images = 0;
  #before = 0; // milliseconds of training before the run was resumed
  #untimedMilliseconds = 0; // milliseconds of what is no training
  #rolledBack = false; // in this epoch
  #epoch = 1; // the current one
  #stage: number | undefined; // the one that is trained, if there are stages
  readonly #checkpoints: RunCheckpoints;
  readonly #test: EpochTestLosses;
  readonly #pictures: RunPictures;

  /**
   * Makes the run folder, writes down what is about to happen, and starts the dashboard if there is to be one; or, with
   * `resume`, goes on in that folder from its last checkpoint, or from the beginning if it has none.
   *
   * @throws InputError if the folder exists and is not empty, or cannot be written, or the dashboard's port is taken; or
   *   if the run to resume is being trained, or its checkpoint is damaged or of something else
   */
  static async begin(options: TrainingRunOptions): Promise<TrainingRun> {
    const { port, live: isLive } = options.config;
    const live = isLive ? await startLive({ port }) : undefined; // first, as it may be refused
    try {
      const run = new TrainingRun(options, live);
      if (live) console.log(`dashboard ${live.url}`);
      // where there is nothing yet to go back to, the beginning is kept
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
      if (!config.quiet) console.log(`resumed   after step ${this.#checkpoints.step} of ${options.steps}`);
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
      now: () => performance.now() - this.#untimedMilliseconds,
      ...(config.quiet ? { write: () => {} } : {}),
    });
    owned.move(); // it is this object's from now on
  }

  /** Goes back to the last checkpoint, or to the beginning. */
  #restoreCheckpoint(): void {
    const seconds = this.#checkpoints.restoreCheckpoint();
    if (seconds !== undefined) this.#before = 1000 * seconds - this.#milliseconds + this.#before;
    this.#metrics = readMetrics(this.folder);
    const epochs = this.#metrics.filter((line) => "testError" in line).map(({ epoch }) => Number(epoch));
    removeOtherPictures(this.folder, new Set(epochs));
  }

  /** Whether the user asked to stop. */
  get isInterrupted(): boolean {
    return this.#interrupt.requested || this.#pictures.live?.isStopped === true;
  }

  /** Whether to take no further steps of this epoch: the user asked to stop, or training went back. */
  get #stopsEpoch(): boolean {
    return this.isInterrupted || this.#rolledBack;
  }

  /** What the learning rate is multiplied with: halved each time that training went back. */
  get rateShare(): number {
    return this.#checkpoints.rateShare;
  }

  /** Whether to train the current stage no further. */
  #isOver(): boolean {
    const { patience, minDelta } = this.#options.config;
    return this.isInterrupted ||
      patience !== undefined && isOutOfPatience(this.#metrics, this.#stage, patience, minDelta);
  }

  /** Steps done, over all stages. */
  get #step(): number {
    return this.#checkpoints.step;
  }

  /**
   * The batches of a training, or of one stage, epoch after epoch: each image once in an epoch, every epoch in a new
   * order. Between epochs the network is measured, and a checkpoint saved if one is due. It ends when all steps are done,
   * when the user asks to stop, and when the error on test images has not improved for `--patience` epochs; it begins
   * where a resumed run was left, and again at the last checkpoint if training goes back. The loop's body runs the step
   * on each batch, once, and reports when {@link isDue} says so.
   *
   * @param step what is trained, of those that {@link begin} was told of
   * @throws TypeError if the step is another one, or the loop's body did not run it once
   * @throws Diverged if training has come to NaN or infinity
   */
  async *batches(step: Step): AsyncGenerator<Batch, void> {
    const { stages, epochBatches, images, shuffles, config: { seed } } = this.#options;
    const trained = stages.find((stage) => stage.step === step);
    if (!trained) {
      throw new TypeError("Cannot train this step: expected one that the training was started with");
    }
    this.#stage = trained.stage;
    while (step.count < trained.steps && !this.#isOver()) {
      this.#epoch = 1 + Math.floor(this.#step / epochBatches.length);
      if (shuffles) images.setOrder(permutation(images.count, seed, this.#epoch));
      for (const batch of epochBatches.slice(step.count % epochBatches.length)) {
        const before = step.count;
        yield batch;
        const runs = step.count - before;
        if (runs !== 1 && !this.#rolledBack) {
          throw new TypeError(
            `Cannot go on training: expected the loop to run the step once on each batch but it ran ${runs} times`,
          );
        }
        if (this.#stopsEpoch || step.count === trained.steps) break;
      }
      await this.#endEpoch();
    }
  }

  /**
   * Whether to {@link report} now: every `--log-every` steps, at the end, where a checkpoint is due, and when the
   * dashboard wants a picture; in training by stages after each epoch too.
   *
   * @param step what is trained
   */
  isDue(step: Step): boolean {
    const { reportsEpochs, epochBatches } = this.#options;
    return this.isDueAt(this.#step) || reportsEpochs && step.count % epochBatches.length === 0;
  }

  /** Whether a report is due after this many steps, over all stages, whatever stages want besides. */
  isDueAt(step: number): boolean {
    const { steps, config: { logEvery } } = this.#options;
    return step % logEvery === 0 || step === steps || this.#checkpoints.isDueStep(step) ||
      this.#pictures.isDue(step);
  }

  /** Whether an epoch ends now, and is measured. */
  get #endsMeasured(): boolean {
    const { steps, epochBatches, measureEvery } = this.#options, step = this.#step;
    return step === steps || step % epochBatches.length === 0 && this.#epoch % measureEvery === 0;
  }

  /** Saves a checkpoint. The time that it takes is no training time. */
  async #checkpoint(): Promise<void> {
    await this.untimed(() => this.#checkpoints.save(this.#milliseconds / 1000));
  }

  /** Milliseconds of training so far: without what was done {@link untimed}. */
  get #milliseconds(): number {
    return this.#before + performance.now() - this.#started - this.#untimedMilliseconds;
  }

  #file(record: MetricsRecord): void {
    this.#log.write(record);
    this.#metrics.push(record);
    this.#pictures.live?.publish({ kind: "metrics", record });
  }

  #fileHere(figures: MetricsRecord): void {
    const stage = this.#stage, seconds = Math.round(this.#milliseconds) / 1000;
    const place = { epoch: this.#epoch, step: this.#step, ...(stage === undefined ? {} : { stage }) };
    this.#file({ ...place, ...figures, seconds });
  }

  /**
   * Shows and files the mean losses since the last report. On a dashboard it shows pictures too, and waits there while
   * training is to pause. If training has diverged, it goes back under `--on-nan rollback`.
   *
   * @param reading the losses, being read
   * @throws Diverged if training has come to NaN or infinity, and is not to go back or has gone back too often
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
    // where an epoch is measured next, the checkpoint waits for that
    if (this.#checkpoints.isDueStep(step) && !this.#endsMeasured) await this.#checkpoint();
  }

  /** Goes back, if the error is that training has diverged, and that is what to do about it. */
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
        `${error.finding}; gave up after going back ${MAX_ROLLBACKS} times, with ${this.rateShare} of the ` +
          "learning rate",
        `look at the data and at the network; ${kept}`,
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
    await this.#checkpoint(); // so that whoever resumes goes on with this rate
    this.#pictures.startAgain();
    console.error(
      `warning: ${error.finding}; went back to step ${this.#checkpoints.step}, and goes on with ${this.rateShare} of the ` +
        "learning rate",
    );
  }

  async #showLive(live: Live): Promise<void> {
    const { epochs, steps } = this.#options, milliseconds = this.#milliseconds;
    const epoch = this.#epoch, step = this.#step;
    live.publish({
      kind: "progress",
      progress: {
        epoch,
        epochs,
        step,
        steps,
        imagesPerSecond: 1000 * this.#images / (milliseconds - this.#before),
        secondsLeft: milliseconds / 1000 / step * (steps - step),
      },
    });
    if (this.#pictures.isDue(step)) {
      await this.#untimed(() => this.#pictures.show(epoch, step, this.#stage)); // who read losses has waited already
    }
    if (live.isPaused) await this.#untimed(() => live.whilePaused(() => this.#interrupt.requested));
  }

  /**
   * Measures the network on all test images, that of the stage if there is one, and files what it finds: `testError`,
   * the squared error per pixel, and `test.<term>` for each term of the loss without its weight, per image if its
   * reduction is `sum` or `sample`, else its mean; and their sum as `test.total`, where the recipe names terms that add
   * up. Saves a snapshot and pictures, the best model if it is kept, and a checkpoint if one is due. The time that all
   * this takes is no training time.
   *
   * Does nothing where training went back, after epochs that are not to be measured, and in the midst of one only where the user asked to stop:
   * then the checkpoint comes first, so that a run that goes on from it has not filed what was measured there.
   */
  async #endEpoch(): Promise<void> {
    if (this.#rolledBack) {
      this.#rolledBack = false;
      return;
    }
    const isWhole = this.#endsMeasured, stage = this.#stage;
    if (!isWhole && !this.isInterrupted) return;
    let found: Readonly<Record<string, number>>;
    try {
      found = await this.untimed(async () => {
        await this.#checkpoints.refuseNotFinite();
        return await this.#test.measure(stage);
      });
    } catch (error) {
      await this.#recover(error);
      this.#rolledBack = false;
      return;
    }
    if (!isWhole) await this.#checkpoint();
    await this.untimed(() => this.#pictures.save(this.#epoch, this.#step, stage));
    this.#fileHere(found);
    if (!isWhole) return;
    await this.#keepBest();
    const isOver = this.#isOver();
    if (!this.isInterrupted && isOver) this.#progress.note(this.#stoppedLine(stage));
    const isStageOver = isOver ||
      this.#options.stages.some((one) => one.stage === stage && one.step.count === one.steps);
    if (isStageOver || this.#checkpoints.isDueStep(this.#step) || this.#checkpoints.isDueEpoch(this.#epoch)) {
      await this.#checkpoint();
    }
  }

  /** Keeps the model as the best one if it is, and training may stop early. */
  async #keepBest(): Promise<void> {
    const { patience, minDelta } = this.#options.config;
    const best = bestEpoch(this.#metrics, this.#stage, minDelta);
    if (patience === undefined || best?.step !== this.#step) return;
    await this.untimed(() => this.#checkpoints.keepBest(best));
  }

  /** Says why a stage is over before its time. */
  #stoppedLine(stage: number | undefined): string {
    const { patience, minDelta } = this.#options.config, best = bestEpoch(this.#metrics, stage, minDelta)!;
    return `${stage === undefined ? "stopped" : `stage ${stage} stopped`} early: the best ${best.metric}, ` +
      `${best.value.toPrecision(4)}, is that of epoch ${best.epoch} (--patience ${patience})`;
  }

  /**
   * Does work that is no training: pictures, measurements. Its time counts neither in images per second nor in the
   * metrics' seconds.
   *
   * @returns what the work returns
   */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    await this.#options.gpu.device.queue.onSubmittedWorkDone(); // the steps that were submitted are training still
    return await this.#untimed(work);
  }

  async #untimed<T>(work: () => Promise<T>): Promise<T> {
    const before = performance.now();
    try {
      return await work();
    } finally {
      this.#untimedMilliseconds += performance.now() - before;
    }
  }

  /**
   * What follows every training: saves the model, measures it on the test images, saves results, pictures, codes and
   * the report, and prints the results table.
   *
   * @returns what the script should return: 0, or Ctrl-C's exit code
   */
  async finish(): Promise<number> {
    const { gpu, data, parameters, evaluated } = this.#options, steps = this.#step;
    this.#progress.finish();
    await gpu.device.queue.onSubmittedWorkDone();
    const stepMilliseconds = this.#milliseconds / steps;
    const status = this.isInterrupted ? "interrupted" : "finished";
    const say = (text: string) => this.#options.config.quiet || console.log(text);
    if (status === "interrupted") say("interrupted: saving what was learned so far");
    if (this.#checkpoints.savedStep !== steps) await this.#checkpoint();
    const { tensors, metadata } = await this.#checkpoints.model();
    writeSafetensors(join(this.folder, "model.safetensors"), tensors, metadata);
    this.#test[Symbol.dispose](); // what follows uploads the images again, a set at a time
    const result = await evaluate(gpu, evaluated.build, parameters, data);
    this.#saveEvaluation(result, await this.#pictures.noisyReconstructions());
    const rows = await resultsRows(evaluated, { gpu, parameters, data, result, metrics: this.#metrics });
    const results: Results = {
      rows,
      baselines: baselinesOf(evaluated, result, data),
      ...(steps > 0 ? { stepMilliseconds } : {}),
      status,
    };
    await this.#pictures.finish(results);
    say(resultsTable(rows));
    if (this.#checkpoints.best) say(bestLine(this.#checkpoints.best));
    if (this.#options.config.overfitBatch) say(await measureOverfit(this.#options));
    say(`run saved in ${this.folder}; open report.html there`);
    if (status === "interrupted") {
      say(`resume with: ${commandLine(Deno.mainModule, ["--resume", this.folder])}`);
    }
    return this.#interrupt.exitCode;
  }

  /** Saves the pictures and codes of an evaluation, and files its figures. */
  #saveEvaluation(result: Evaluation, noisy: Uint8Array | undefined): void {
    const { data } = this.#options;
    const reconstructions = noisy ?? cleanReconstructions(data, result);
    writeFileAtomic(join(this.folder, "reconstructions.png"), reconstructions);
    writeFileAtomic(
      join(this.folder, "codes.csv"),
      codesCsv(result.codes, data.test.labels, result.codeSize),
    );
    this.#file({
      testError: result.error,
      meanImageError: result.meanImageError,
      pcaError: result.pcaError,
      ...(result.accuracy === undefined ? {} : { accuracy: result.accuracy }),
    });
  }

  /** Closes the files, frees what it measures with, and lets Ctrl-C end the process again. */
  [Symbol.dispose](): void {
    this.#pictures[Symbol.dispose]();
    this.#test[Symbol.dispose]();
    this.#interrupt.dispose();
    this.#log.close();
  }
}

/** Says which model is the best one. */
function bestLine({ metadata: { metric, value, epoch } }: StoredModel): string {
  return `best.safetensors is the model after epoch ${epoch}, ${metric} ${Number(value).toPrecision(4)}; ` +
    "model.safetensors is the last one, which is measured here";
}

/** The tensors' figures by name, with as many digits as are of use. */
function tensorRecords(tensors: readonly TensorFigures[]): Readonly<Record<string, TensorRecord>> {
  const round = (value: number) => Number(value.toPrecision(5));
  return Object.fromEntries(tensors.map(({ name, gradientNorm, weightNorm, updateRatio }) => [name, {
    gradientNorm: round(gradientNorm),
    weightNorm: round(weightNorm),
    updateRatio: round(updateRatio),
  }]));
}

/** Test images above their reconstructions. */
function cleanReconstructions({ test, imageShape }: Dataset, { reconstructions }: Evaluation): Uint8Array {
  return reconstructionGrid([test.images, reconstructions], Math.min(PICTURES, test.count), imageShape);
}
