/**
 * What every training script does around its loop: the run folder, progress and metrics, Ctrl-C, and saving.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { Diverged } from "../errors.ts";
import type { LossReading } from "../graph/step.ts";
import type { TensorFigures } from "../graph/watch.ts";
import { closingTable } from "../report/closing_table.ts";
import { codesCsv } from "../report/codes_csv.ts";
import { reconstructionGrid } from "../report/picture.ts";
import type { MetricsRecord, TensorRecord } from "../report/run_data.ts";
import { type Live, startLive } from "../live/live.ts";
import { beginFolder, continueFolder } from "./begin_folder.ts";
import type { StoredModel } from "./checkpoint.ts";
import { type Interrupt, watchInterrupt } from "./command.ts";
import { shellWord } from "./command_line.ts";
import { bestEpoch, isOutOfPatience } from "./early_stopping.ts";
import { evaluate, type Evaluation, PICTURES } from "./evaluate.ts";
import { baselinesOf, closingRows, type Measured } from "./measured.ts";
import type { InitialLoss } from "./initial_loss.ts";
import { measureOverfit } from "./overfit.ts";
import { Progress } from "./progress.ts";
import { MetricsLog, readMetrics, writeFileAtomic } from "./run_folder.ts";
import { RunCheckpoints } from "./run_checkpoints.ts";
import type { Results } from "./results.ts";
import { removeOtherPictures, RunPictures } from "./run_pictures.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { TrainedStage } from "./stages.ts";
import { TestMeasure } from "./test_measure.ts";

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
  readonly measured: Measured;
  /** Passes over the images. */
  readonly epochs: number;
  /** Steps in all. */
  readonly steps: number;
  /** What will be run, in order; one without a number if there are no stages. */
  readonly stages: readonly TrainedStage[];
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** The loss before training; absent where a run goes on. */
  readonly initialLoss: InitialLoss | undefined;
  /** Epochs between two measurements; 1 if absent. The last epoch is always measured. */
  readonly measureEvery?: number | undefined;
}

/** What a line of the metrics may say besides its figures. */
export interface Place {
  /** The stage that is trained, if there are stages. */
  readonly stage?: number | undefined;
}

/** Times that a run goes back before it gives up: the learning rate is a 256th then, and cannot be what is wrong. */
const MOST_ROLLBACKS = 8;

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
  #aside = 0; // milliseconds of what is no training
  #wentBack = false; // in this epoch
  readonly #checkpoints: RunCheckpoints;
  readonly #test: TestMeasure;
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
    const { config, gpu, data, parameters, measured } = options, { seed, pictureEvery } = config;
    this.#options = options;
    using owned = new DisposableStack();
    owned.use(this.#interrupt);
    this.folder = config.resume ?? beginFolder(options);
    this.#log = owned.use(new MetricsLog(this.folder));
    this.#checkpoints = new RunCheckpoints(this.folder, this.#log, options);
    if (config.resume !== undefined) {
      continueFolder(this.folder, options, () => {
        this.#goBack();
        return this.#checkpoints.step;
      });
      if (!config.quiet) console.log(`resumed   after step ${this.#checkpoints.step} of ${options.steps}`);
    }
    this.#test = new TestMeasure(options);
    this.#pictures = new RunPictures({
      folder: this.folder,
      gpu,
      parameters,
      data,
      measured,
      seed,
      live,
      pictureEvery,
    });
    this.#progress = new Progress({
      ...options,
      firstStep: this.#checkpoints.step,
      now: () => performance.now() - this.#aside,
      ...(config.quiet ? { write: () => {} } : {}),
    });
    owned.move(); // it is this object's from now on
  }

  /** Goes back to the last checkpoint, or to the beginning. */
  #goBack(): void {
    const seconds = this.#checkpoints.goBack();
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
  get isCutShort(): boolean {
    return this.isInterrupted || this.#wentBack;
  }

  /** What the learning rate is multiplied with: halved each time that training went back. */
  get rateShare(): number {
    return this.#checkpoints.rateShare;
  }

  /**
   * Whether to train no further: the user asked to stop, or the error on test images has not improved for `--patience`
   * epochs.
   *
   * @param stage the stage that is trained, if there are stages: each has a patience of its own
   */
  isOver(stage?: number): boolean {
    const { patience, minDelta } = this.#options.config;
    return this.isInterrupted ||
      patience !== undefined && isOutOfPatience(this.#metrics, stage, patience, minDelta);
  }

  /**
   * Whether to {@link report} after this many steps: every `--log-every`, at the end, where a checkpoint is due, and when
   * the dashboard wants a picture.
   */
  isDue(step: number): boolean {
    const { steps, config: { logEvery } } = this.#options;
    return step % logEvery === 0 || step === steps || this.#checkpoints.isDueStep(step) ||
      this.#pictures.isDue(step);
  }

  /** Whether an epoch ends after this many steps, and is measured then. */
  #endsMeasured(epoch: number, step: number): boolean {
    const { steps, stepsPerEpoch, measureEvery = 1 } = this.#options;
    return step === steps || step % stepsPerEpoch === 0 && epoch % measureEvery === 0;
  }

  /** Saves a checkpoint. The time that it takes is no training time. */
  async #checkpoint(): Promise<void> {
    await this.aside(() => this.#checkpoints.save(this.#milliseconds / 1000));
  }

  /** Milliseconds of training so far: without what was done {@link aside}. */
  get #milliseconds(): number {
    return this.#before + performance.now() - this.#started - this.#aside;
  }

  #file(record: MetricsRecord): void {
    this.#log.write(record);
    this.#metrics.push(record);
    this.#pictures.live?.publish({ kind: "metrics", record });
  }

  #fileAt(epoch: number, step: number, { stage }: Place, figures: MetricsRecord): void {
    const seconds = Math.round(this.#milliseconds) / 1000;
    this.#file({ epoch, step, ...(stage === undefined ? {} : { stage }), ...figures, seconds });
  }

  /**
   * Shows and files the mean losses since the last report. On a dashboard it shows pictures too, and waits there while
   * training is to pause. If training has diverged, it goes back under `--on-nan rollback`.
   *
   * @param epoch the current epoch, from 1
   * @param step steps done so far
   * @param reading the losses, being read
   * @param place what else belongs into the metrics
   * @throws Diverged if training has come to NaN or infinity, and is not to go back or has gone back too often
   */
  async report(epoch: number, step: number, reading: Promise<LossReading>, place: Place = {}): Promise<void> {
    let losses: LossReading;
    try {
      losses = await reading;
    } catch (error) {
      return await this.#recover(error, step);
    }
    this.#images += losses.images;
    this.#progress.update({ epoch, step, losses: losses.mean, images: this.#images });
    const norms = losses.gradientNorms;
    this.#fileAt(epoch, step, place, {
      ...losses.mean,
      ...(norms ? { gradientNorm: norms.reduce((sum, norm) => sum + norm, 0) / norms.length } : {}),
      ...(losses.tensors ? { tensors: tensorRecords(losses.tensors) } : {}),
    });
    const { live } = this.#pictures;
    if (live) await this.#showLive(live, epoch, step, place);
    // where an epoch is measured next, the checkpoint waits for that
    if (this.#checkpoints.isDueStep(step) && !this.#endsMeasured(epoch, step)) await this.#checkpoint();
  }

  /** Goes back, if the error is that training has diverged, and that is what to do about it. */
  async #recover(error: unknown, step: number): Promise<void> {
    if (!(error instanceof Diverged)) throw error;
    this.#progress.finish();
    const { savedStep, rollbacks } = this.#checkpoints;
    const kept = savedStep === undefined
      ? "there is no checkpoint yet"
      : `the checkpoint of step ${savedStep} is kept`;
    if (this.#options.config.onNan !== "rollback") throw new Diverged(error.finding, kept);
    if (rollbacks.length >= MOST_ROLLBACKS) {
      throw new Diverged(
        `${error.finding}; gave up after going back ${MOST_ROLLBACKS} times, with ${this.rateShare} of the ` +
          "learning rate",
        `look at the data and at the network; ${kept}`,
      );
    }
    await this.#options.gpu.device.queue.onSubmittedWorkDone();
    this.#goBack();
    this.#checkpoints.halveRate(step);
    this.#wentBack = true;
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

  async #showLive(live: Live, epoch: number, step: number, { stage }: Place): Promise<void> {
    const { epochs, steps } = this.#options, milliseconds = this.#milliseconds;
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
      await this.#untimed(() => this.#pictures.show(epoch, step, stage)); // who read losses has waited already
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
   *
   * @param epoch the epoch that has ended, from 1
   * @param step steps done so far
   * @param place what else belongs into the metrics
   */
  async endEpoch(epoch: number, step: number, place: Place = {}): Promise<void> {
    if (this.#wentBack) {
      this.#wentBack = false;
      return;
    }
    const isWhole = this.#endsMeasured(epoch, step);
    if (!isWhole && !this.isInterrupted) return;
    let found: Readonly<Record<string, number>>;
    try {
      found = await this.aside(async () => {
        await this.#checkpoints.refuseNotFinite();
        return await this.#test.measure(place.stage);
      });
    } catch (error) {
      await this.#recover(error, step);
      this.#wentBack = false;
      return;
    }
    if (!isWhole) await this.#checkpoint();
    await this.aside(() => this.#pictures.save(epoch, step, place.stage));
    this.#fileAt(epoch, step, place, found);
    if (!isWhole) return;
    const { stages, stepsPerEpoch } = this.#options, { stage } = place;
    await this.#keepBest(step, stage);
    if (!this.isInterrupted && this.isOver(stage)) this.#progress.note(this.#stoppedLine(stage));
    const isStageOver = this.isOver(stage) ||
      stages.some((one) => one.stage === stage && one.step.index === one.epochs * stepsPerEpoch);
    if (isStageOver || this.#checkpoints.isDueStep(step) || this.#checkpoints.isDueEpoch(epoch)) {
      await this.#checkpoint();
    }
  }

  /** Keeps the model as the best one if it is, and training may stop early. */
  async #keepBest(step: number, stage: number | undefined): Promise<void> {
    const { patience, minDelta } = this.#options.config;
    const best = bestEpoch(this.#metrics, stage, minDelta);
    if (patience === undefined || best?.step !== step) return;
    await this.aside(() => this.#checkpoints.keepBest(best));
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
  async aside<T>(work: () => Promise<T>): Promise<T> {
    await this.#options.gpu.device.queue.onSubmittedWorkDone(); // the steps that were submitted are training still
    return await this.#untimed(work);
  }

  async #untimed<T>(work: () => Promise<T>): Promise<T> {
    const before = performance.now();
    try {
      return await work();
    } finally {
      this.#aside += performance.now() - before;
    }
  }

  /**
   * What follows every training: saves the model, measures it on the test images, saves results, pictures, codes and
   * the report, and prints the closing table.
   *
   * @param steps steps done
   * @returns what the script should return: 0, or Ctrl-C's exit code
   */
  async finish(steps: number): Promise<number> {
    const { gpu, data, parameters, measured } = this.#options;
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
    const result = await evaluate(gpu, measured.build, parameters, data);
    this.#saveEvaluation(result);
    const rows = await closingRows(measured, { gpu, parameters, data, result, metrics: this.#metrics });
    const results: Results = {
      rows,
      baselines: baselinesOf(measured, result, data),
      ...(steps > 0 ? { stepMilliseconds } : {}),
      status,
    };
    await this.#pictures.finish(results);
    say(closingTable(rows));
    if (this.#checkpoints.best) say(bestLine(this.#checkpoints.best));
    if (this.#options.config.overfitBatch) say(await measureOverfit(this.#options));
    say(`run saved in ${this.folder}; open report.html there`);
    if (status === "interrupted") say(`--resume ${shellWord(this.folder)} goes on with it`);
    return this.#interrupt.exitCode;
  }

  /** Saves the pictures and codes of an evaluation, and files its figures. */
  #saveEvaluation(result: Evaluation): void {
    const { data } = this.#options;
    saveEvaluation(this.folder, data, result);
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

function saveEvaluation(folder: string, data: Dataset, result: Evaluation): void {
  const count = Math.min(PICTURES, data.test.count);
  const [height, width] = data.imageShape;
  writeFileAtomic(
    join(folder, "reconstructions.png"),
    reconstructionGrid(data.test.images, result.reconstructions, count, [height, width]),
  );
  writeFileAtomic(join(folder, "codes.csv"), codesCsv(result.codes, data.test.labels, result.codeSize));
}
