/**
 * What every training script does around its loop: the run folder, progress and metrics, Ctrl-C, and saving.
 * @module
 */
import denoConfig from "../../deno.json" with { type: "json" };
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { Diverged, InputError, oneLine, shown } from "../errors.ts";
import type { LossReading, Step, StepState } from "../graph/step.ts";
import type { TensorFigures } from "../graph/watch.ts";
import { DeviceImages } from "../layers/gather_batch.ts";
import { closingTable } from "../report/closing_table.ts";
import { codesCsv } from "../report/codes_csv.ts";
import { reconstructionGrid } from "../report/picture.ts";
import type { MetricsRecord, TensorRecord } from "../report/run_data.ts";
import { type Live, startLive } from "../live/live.ts";
import { type Checkpoint, readLastCheckpoint, saveCheckpoint, type StoredModel } from "./checkpoint.ts";
import { type CheckpointEvery, parseCheckpointEvery } from "./checkpoint_every.ts";
import { type Interrupt, watchInterrupt } from "./command.ts";
import { commandLine, shellWord } from "./command_line.ts";
import { bestEpoch, isOutOfPatience } from "./early_stopping.ts";
import { evaluate, type Evaluation, PICTURES } from "./evaluate.ts";
import { flagName } from "./flags.ts";
import { HeldOut } from "./held_out.ts";
import { baselinesOf, closingRows, type Measured } from "./measured.ts";
import type { InitialLoss } from "./initial_loss.ts";
import { describeOverfit, meanImageError } from "./overfit.ts";
import { Progress } from "./progress.ts";
import { learnedConfig, refuseOthers } from "./resume.ts";
import {
  createRunFolder,
  MetricsLog,
  readMetrics,
  readRun,
  removeFile,
  removePartialFiles,
  writeConfig,
  writeFileAtomic,
} from "./run_folder.ts";
import type { Results } from "./results.ts";
import { commandOf } from "./read_run_data.ts";
import { removeOtherPictures, RunPictures } from "./run_pictures.ts";
import { writeSafetensors } from "./safetensors.ts";

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

/** A part of a training. */
export interface TrainedStage {
  /** The stage's number, if there are stages. */
  readonly stage?: number | undefined;
  /** Passes over the images. */
  readonly epochs: number;
  /** What is run again and again. */
  readonly step: Step;
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
  readonly #checkpointEvery: CheckpointEvery;
  readonly #log: MetricsLog;
  #metrics: MetricsRecord[] = [];
  readonly #progress: Progress;
  readonly #interrupt: Interrupt = watchInterrupt();
  readonly #started = performance.now();
  #images = 0;
  #before = 0; // milliseconds of training before the run was resumed
  #aside = 0; // milliseconds of what is no training
  #savedStep: number | undefined; // of the last checkpoint
  #rollbacks: readonly number[] = []; // steps at which training diverged
  #wentBack = false; // in this epoch
  #best: StoredModel | undefined;
  #testImages: DeviceImages | undefined;
  #heldOut: { readonly stage: number | undefined; readonly network: HeldOut } | undefined;
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
      if (options.config.onNan === "rollback" && run.#savedStep === undefined) await run.#checkpoint();
      return run;
    } catch (error) {
      live?.[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(options: TrainingRunOptions, live: Live | undefined) {
    const { config, gpu, data, parameters, measured } = options, { seed, pictureEvery } = config;
    this.#options = options;
    this.#checkpointEvery = parseCheckpointEvery(config.checkpointEvery);
    using owned = new DisposableStack();
    owned.use(this.#interrupt);
    this.folder = config.resume ?? this.#makeFolder();
    this.#log = owned.use(new MetricsLog(this.folder));
    if (config.resume !== undefined) this.#resume();
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
      firstStep: this.#step,
      now: () => performance.now() - this.#aside,
      ...(config.quiet ? { write: () => {} } : {}),
    });
    owned.move(); // it is this object's from now on
  }

  /** Makes the folder of a new run, with its configuration. */
  #makeFolder(): string {
    const { recipe, config, gpu, kernels, data } = this.#options;
    const startedAt = new Date();
    const folder = createRunFolder({ recipe, seed: config.seed, out: config.out, startedAt });
    writeConfig(folder, {
      recipe,
      startedAt: startedAt.toISOString(),
      config,
      facts: {
        command: commandLine(),
        versions: { bottleneck: denoConfig.version, deno: Deno.version.deno },
        adapter: gpu.adapterName,
        software: gpu.isSoftware,
        kernels,
        dataset: data.name,
        datasetSource: data.source,
        datasetChecksum: data.checksum,
        trainImages: data.train.count,
        testImages: data.test.count,
        width: data.width,
        imageShape: data.imageShape,
        classNames: data.classNames,
        initialLoss: this.#options.initialLoss,
      },
    });
    return folder;
  }

  /** Goes back to where an earlier process left this run, and writes down that it goes on. */
  #resume(): void {
    const { config, data, gpu, kernels } = this.#options;
    const run = readRun(this.folder);
    if (run.facts.datasetChecksum !== data.checksum) {
      throw new InputError(
        `Cannot resume "${this.folder}": expected the images that it began with, those of ${
          shown(run.facts.dataset)
        }, ` +
          `but found others in "${data.name}"; say where they are with --data-dir or --data`,
      );
    }
    this.goBack();
    removePartialFiles(this.folder);
    removeFile(join(this.folder, "results.json")); // it has not ended any more
    const { facts } = run, earlier = Array.isArray(facts.resumedAtSteps) ? facts.resumedAtSteps : [];
    const grown = Object.entries(learnedConfig(config)).filter(([key, value]) =>
      key in run.config && JSON.stringify(value) !== JSON.stringify(run.config[key])
    );
    const command = [commandOf(run), ...grown.map(([key, value]) => `${flagName(key)} ${value}`)].join(" ");
    writeConfig(this.folder, {
      ...run,
      config: { ...run.config, ...Object.fromEntries(grown) },
      facts: { ...facts, command, resumedAtSteps: [...earlier, this.#step] },
    });
    const [before, now] = [[facts.adapter, facts.kernels], [gpu.adapterName, kernels]].map((fact) =>
      JSON.stringify(fact)
    );
    if (before !== now) {
      console.error(
        `warning: this run began with ${oneLine(before)} and goes on with ${
          oneLine(now)
        }: rounding differs, so it ` +
          "will not end with the bits that it would have had",
      );
    }
    if (!config.quiet) console.log(`resumed   after step ${this.#step} of ${this.#options.steps}`);
  }

  /**
   * Goes back to the last checkpoint, or to the beginning if there is none and nothing has been trained: parameters,
   * optimizer, steps, metrics and the best model are again what they were then.
   *
   * @throws InputError if the checkpoint is damaged or of another run, or there is none to go back to
   */
  goBack(): void {
    const { parameters, stages, recipe, config, data } = this.#options;
    const checkpoint = readLastCheckpoint(this.folder);
    if (!checkpoint && this.#step > 0) {
      throw new InputError(`Cannot go back in "${this.folder}": there is no checkpoint yet`);
    }
    if (checkpoint) {
      const { place, state, best } = checkpoint;
      const stored = readRun(this.folder).config; // flags that are younger than the run have their defaults
      refuseOthers(this.folder, checkpoint, {
        recipe,
        config: Object.fromEntries(Object.entries(learnedConfig(config)).filter(([key]) => key in stored)),
        dataset: data,
        shapes: new Map(parameters.all.map(({ name, shape }) => [name, shape])),
        stages: stages.length,
      });
      for (const { name, data } of checkpoint.parameters) parameters.write(name, data);
      for (const [k, { step }] of stages.entries()) {
        step.reset(place.stageSteps[k]);
        if (k === place.current) restore(step, state, this.folder);
      }
      this.#before = 1000 * place.seconds - this.#milliseconds + this.#before;
      this.#savedStep = place.step;
      this.#rollbacks = place.rollbacks;
      this.#best = best;
    }
    this.#log.cut(checkpoint?.place.metricsBytes ?? 0);
    this.#metrics = readMetrics(this.folder);
    const epochs = this.#metrics.filter((line) => "testError" in line).map(({ epoch }) => Number(epoch));
    removeOtherPictures(this.folder, new Set(epochs));
    this.#saveBest();
    if (!this.#best) removeFile(join(this.folder, "best.safetensors"));
  }

  /** Steps done, over all stages. */
  get #step(): number {
    return this.#options.stages.reduce((sum, { step }) => sum + step.index, 0);
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
    return 0.5 ** this.#rollbacks.length;
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
    return step % logEvery === 0 || step === steps || this.#isCheckpointStep(step) ||
      this.#pictures.isDue(step);
  }

  /** Whether `--checkpoint-every` counts steps, and wants a checkpoint after this many. */
  #isCheckpointStep(step: number): boolean {
    const { unit, count } = this.#checkpointEvery;
    return unit === "steps" && step % count === 0;
  }

  /** Whether `--checkpoint-every` counts epochs, and wants a checkpoint after this one. */
  #isCheckpointEpoch(epoch: number): boolean {
    const { unit, count } = this.#checkpointEvery;
    const before = Math.floor((this.#savedStep ?? 0) / this.#options.stepsPerEpoch);
    return unit === "epochs" && Math.floor(epoch / count) > Math.floor(before / count);
  }

  /** Whether an epoch ends after this many steps, and is measured then. */
  #endsMeasured(epoch: number, step: number): boolean {
    const { steps, stepsPerEpoch, measureEvery = 1 } = this.#options;
    return step === steps || step % stepsPerEpoch === 0 && epoch % measureEvery === 0;
  }

  /** Saves all that training depends on, as it is now. The time that it takes is no training time. */
  async #checkpoint(): Promise<void> {
    const { recipe, config, data, parameters, stages, stepsPerEpoch } = this.#options;
    const current = Math.max(0, stages.findLastIndex(({ step }) => step.index > 0));
    const step = this.#step;
    await this.aside(async () => {
      const seconds = this.#milliseconds / 1000;
      const [values, state] = await Promise.all([parameters.read(), stages[current].step.readState()]);
      this.#log.sync(); // a checkpoint must not outlive lines that it counts on
      const place = {
        step,
        epoch: Math.ceil(step / stepsPerEpoch),
        stage: stages[current].stage,
        stageSteps: stages.map(({ step }) => step.index),
        current,
        metricsBytes: this.#log.size,
        seconds,
        rollbacks: this.#rollbacks,
      };
      const checkpoint: Checkpoint = {
        recipe,
        config: learnedConfig(config),
        dataset: { name: data.name, checksum: data.checksum },
        place,
        parameters: parameters.all.map(({ name, shape }) => ({ name, shape, data: values.get(name)! })),
        state,
        best: this.#best,
      };
      saveCheckpoint(this.folder, checkpoint, config.keep ?? 1);
      this.#savedStep = step;
    });
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
    if (this.#isCheckpointStep(step) && !this.#endsMeasured(epoch, step)) await this.#checkpoint();
  }

  /** Goes back, if the error is that training has diverged, and that is what to do about it. */
  async #recover(error: unknown, step: number): Promise<void> {
    if (!(error instanceof Diverged)) throw error;
    this.#progress.finish();
    const kept = this.#savedStep === undefined
      ? "there is no checkpoint yet"
      : `the checkpoint of step ${this.#savedStep} is kept`;
    if (this.#options.config.onNan !== "rollback") throw new Diverged(error.finding, kept);
    if (this.#rollbacks.length >= MOST_ROLLBACKS) {
      throw new Diverged(
        `${error.finding}; gave up after going back ${MOST_ROLLBACKS} times, with ${this.rateShare} of the ` +
          "learning rate",
        `look at the data and at the network; ${kept}`,
      );
    }
    await this.#options.gpu.device.queue.onSubmittedWorkDone();
    this.goBack();
    this.#rollbacks = [...this.#rollbacks, step];
    this.#wentBack = true;
    this.#file({ divergedAtStep: step, wentBackToStep: this.#step, learningRateShare: this.rateShare });
    await this.#checkpoint(); // so that whoever resumes goes on with this rate
    this.#pictures.startAgain();
    console.error(
      `warning: ${error.finding}; went back to step ${this.#step}, and goes on with ${this.rateShare} of the ` +
        "learning rate",
    );
  }

  /** Refuses parameters that are not finite: nothing may be saved of them. */
  async #checkParameters(step: number): Promise<void> {
    const values = await this.#options.parameters.read();
    const bad = [...values].filter(([, numbers]) => !numbers.every(Number.isFinite)).map(([name]) => name);
    if (bad.length === 0) return;
    const more = bad.length > 1 ? ` (and ${bad.length - 1} more) are` : " is";
    throw new Diverged(
      `Training of "${this.#options.recipe}" diverged: parameter "${
        bad[0]
      }"${more} not finite at step ${step}`,
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
        await this.#checkParameters(step);
        return await this.#measure(place);
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
    if (isStageOver || this.#isCheckpointStep(step) || this.#isCheckpointEpoch(epoch)) {
      await this.#checkpoint();
    }
  }

  /** Keeps the model as the best one if it is, and training may stop early. */
  async #keepBest(step: number, stage: number | undefined): Promise<void> {
    const { patience, minDelta } = this.#options.config;
    const best = bestEpoch(this.#metrics, stage, minDelta);
    if (patience === undefined || best?.step !== step) return;
    await this.aside(async () => {
      const { tensors, metadata } = await this.#model(step);
      const { metric, value, epoch } = best;
      this.#best = { tensors, metadata: { ...metadata, metric, value: String(value), epoch: String(epoch) } };
      this.#saveBest();
    });
  }

  /** Says why a stage is over before its time. */
  #stoppedLine(stage: number | undefined): string {
    const { patience, minDelta } = this.#options.config, best = bestEpoch(this.#metrics, stage, minDelta)!;
    return `${stage === undefined ? "stopped" : `stage ${stage} stopped`} early: the best ${best.metric}, ` +
      `${best.value.toPrecision(4)}, is that of epoch ${best.epoch} (--patience ${patience})`;
  }

  #saveBest(): void {
    if (this.#best) writeModel(this.folder, "best.safetensors", this.#best);
  }

  /** What the network does with all test images, as it is filed. */
  async #measure({ stage }: Place): Promise<Readonly<Record<string, number>>> {
    const { total } = this.#options.measured;
    const found = await (await this.#networkOf(stage)).measure();
    const sum = total?.reduce((sum, label) => sum + found[`test.${label}`], 0);
    return { ...found, ...(sum === undefined ? {} : { "test.total": sum }) };
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

  /** The network to measure; compiled when a stage is measured for the first time. */
  async #networkOf(stage: number | undefined): Promise<HeldOut> {
    const { gpu, data, parameters, measured } = this.#options;
    if (this.#heldOut && this.#heldOut.stage === stage) return this.#heldOut.network;
    this.#testImages ??= new DeviceImages(gpu, "test", data.test.images, data.width);
    this.#heldOut?.network[Symbol.dispose]();
    this.#heldOut = undefined;
    const network = stage === undefined ? measured : measured.ofStage!(stage);
    this.#heldOut = { stage, network: await HeldOut.compile(gpu, parameters, this.#testImages, network) };
    return this.#heldOut.network;
  }

  /** Frees what the network is measured with after each epoch. */
  #freeHeldOut(): void {
    this.#heldOut?.network[Symbol.dispose]();
    this.#testImages?.destroy();
    this.#heldOut = this.#testImages = undefined;
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
    if (this.#savedStep !== steps) await this.#checkpoint();
    writeModel(this.folder, "model.safetensors", await this.#model(steps));
    this.#freeHeldOut(); // what follows uploads the images again, a set at a time
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
    if (this.#best) say(bestLine(this.#best));
    if (this.#options.config.overfitBatch) say(await this.#overfit());
    say(`run saved in ${this.folder}; open report.html there`);
    if (status === "interrupted") say(`--resume ${shellWord(this.folder)} goes on with it`);
    return this.#interrupt.exitCode;
  }

  /** Whether the only batch that was trained on was learned by heart, in words. */
  async #overfit(): Promise<string> {
    const { gpu, data: { train: { images }, width }, parameters, measured, config } = this.#options;
    const pixels = images.subarray(0, config.batchSize * width);
    using batch = new DeviceImages(gpu, "first batch", pixels, width);
    using network = await HeldOut.compile(gpu, parameters, batch, measured);
    const { testError: error } = await network.measure();
    return describeOverfit({ error, meanError: meanImageError(pixels, width) });
  }

  /** The model as a PyTorch state_dict would name and lay it out. The bytes depend on the training alone. */
  async #model(steps: number): Promise<StoredModel> {
    const { parameters, recipe, config } = this.#options;
    const values = await parameters.read();
    return {
      tensors: parameters.all.map(({ name, shape }) => ({ name, shape, data: values.get(name)! })),
      metadata: {
        recipe,
        step: String(steps),
        config: JSON.stringify(learnedConfig(config)),
        ...(this.#rollbacks.length > 0 ? { learningRateShare: String(this.rateShare) } : {}),
      },
    };
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
    this.#freeHeldOut();
    this.#interrupt.dispose();
    this.#log.close();
  }
}

function restore(step: Step, state: StepState, folder: string): void {
  try {
    step.restoreState(state);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new InputError(`Cannot resume "${folder}": ${error.message}`);
  }
}

/** Says which model is the best one. */
function bestLine({ metadata: { metric, value, epoch } }: StoredModel): string {
  return `best.safetensors is the model after epoch ${epoch}, ${metric} ${Number(value).toPrecision(4)}; ` +
    "model.safetensors is the last one, which is measured here";
}

function writeModel(folder: string, name: string, { tensors, metadata }: StoredModel): void {
  writeSafetensors(join(folder, name), tensors, metadata);
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
