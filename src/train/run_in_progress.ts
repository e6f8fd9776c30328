/**
 * A run in progress: its folder, its place in training, and what the loop, the reports, the ends of epochs and the
 * closing share.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Batch } from "../step/step.ts";
import type { DeviceImages } from "../layers/gather_batch.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import type { Live } from "../live/live.ts";
import { print } from "../terminal.ts";
import { beginFolder, continueFolder } from "./begin_folder.ts";
import { commandLine } from "../cli/command_line.ts";
import { type Interrupt, watchInterrupt } from "../cli/command.ts";
import { isOutOfPatience } from "./early_stopping.ts";
import type { InitialLoss } from "../evaluate/initial_loss.ts";
import { Progress } from "../cli/progress.ts";
import { RunCheckpoints } from "./checkpoints.ts";
import { RunPictures } from "./epoch_pictures.ts";
import type { TrainedStage } from "./stages.ts";
import { EpochTestLosses } from "../evaluate/epoch_test_losses.ts";
import { removeEpochPictures } from "../runs/epoch_picture_files.ts";
import { MetricsLog, readMetrics } from "../runs/metrics_log.ts";
import type { EvaluatedNetwork } from "../recipe/evaluated_network.ts";
import { TrainingClock } from "./clock.ts";

/** Options of {@link RunInProgress}. */
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
    readonly onDeviceLoss?: "stop" | "resume" | undefined;
    readonly logEvery: number;
    readonly live: boolean;
    readonly port: number;
    readonly pictureEvery: number;
    readonly keepPictures?: number | undefined;
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

/** The state of a run, and its actions on the run folder. */
export class RunInProgress implements Disposable {
  /** Path of the run folder. */
  readonly folder: string;
  /** What it was begun with. */
  readonly options: TrainingRunOptions;
  /** The progress line. */
  readonly progress: Progress;
  /** Ctrl-C and SIGTERM. */
  readonly interrupt: Interrupt = watchInterrupt();
  /** Training time. */
  readonly clock: TrainingClock = new TrainingClock();
  /** The saved states of training. */
  readonly checkpoints: RunCheckpoints;
  /** Losses on the test images after epochs. */
  readonly test: EpochTestLosses;
  /** Pictures, report and dashboard. */
  readonly pictures: RunPictures;
  /** The current epoch, from 1. */
  epoch = 1;
  /** Number of the current stage, if there are stages. */
  stage: number | undefined;
  /** Number of images trained on in this process. */
  images = 0;
  /** True after a rollback, until the epoch that it ends is over. */
  isRolledBack = false;
  /** True once the model is saved, at the end of the run. */
  isSaved = false;
  readonly #log: MetricsLog;
  #metrics: MetricsRecord[] = [];

  /**
   * Creates the run folder, or continues that of `--resume` from its last checkpoint.
   *
   * @param live the dashboard, if there is one; disposed of together with the run
   * @throws InputError if the folder cannot be used, or the run not resumed
   */
  constructor(options: TrainingRunOptions, live: Live | undefined) {
    const { config, gpu, data, parameters, evaluated } = options, { seed, pictureEvery } = config;
    this.options = options;
    using owned = new DisposableStack();
    owned.use(this.interrupt);
    this.folder = config.resume ?? beginFolder(options);
    this.#log = owned.use(new MetricsLog(this.folder));
    this.checkpoints = new RunCheckpoints(this.folder, this.#log, {
      ...options,
      stepsPerEpoch: options.epochBatches.length,
    });
    if (config.resume !== undefined) {
      continueFolder(this.folder, options, () => {
        this.restoreCheckpoint();
        return this.checkpoints.step;
      });
      if (!config.quiet) print(`resumed   after step ${this.checkpoints.step} of ${options.steps}`);
    }
    this.test = new EpochTestLosses(options);
    this.pictures = new RunPictures({
      folder: this.folder,
      gpu,
      parameters,
      data,
      evaluated,
      seed,
      live,
      pictureEvery,
      keepPictures: config.keepPictures,
      measureEvery: options.measureEvery,
    });
    this.progress = new Progress({
      ...options,
      firstStep: this.checkpoints.step,
      now: () => this.clock.now(),
      ...(config.quiet ? { write: () => {} } : {}),
    });
    owned.move(); // disposed of by this object from now on
  }

  /** Number of steps done, over all stages. */
  get step(): number {
    return this.checkpoints.step;
  }

  /** Lines of metrics.jsonl. */
  get metrics(): readonly MetricsRecord[] {
    return this.#metrics;
  }

  /** True if the user asked to stop, with Ctrl-C or on the dashboard. */
  get isInterrupted(): boolean {
    return this.interrupt.requested || this.pictures.live?.isStopped === true;
  }

  /** True if the current stage ends early: on the user's request or by early stopping. */
  get isStageOver(): boolean {
    const { patience, minDelta } = this.options.config;
    return this.isInterrupted ||
      patience !== undefined && isOutOfPatience(this.#metrics, this.stage, patience, minDelta);
  }

  /** True at the end of an epoch that is measured. */
  get endsMeasuredEpoch(): boolean {
    const { steps, epochBatches, measureEvery } = this.options, { step } = this;
    return step === steps || step % epochBatches.length === 0 && this.epoch % measureEvery === 0;
  }

  /** How to resume the run. */
  get resumeLine(): string {
    return `resume with: ${commandLine(Deno.mainModule, ["--resume", this.folder])}`;
  }

  /** Prints lines, unless the run is quiet. */
  say(...lines: readonly string[]): void {
    if (!this.options.config.quiet) print(...lines);
  }

  /** Logs a line of metrics. */
  log(record: MetricsRecord): void {
    this.#log.write(record);
    this.#metrics.push(record);
    this.pictures.live?.publish({ kind: "metrics", record });
  }

  /** Logs figures with the current epoch, step and stage, and the seconds of training so far. */
  logHere(figures: MetricsRecord): void {
    const { epoch, step, stage } = this, seconds = Math.round(this.clock.milliseconds) / 1000;
    this.log({ epoch, step, ...(stage === undefined ? {} : { stage }), ...figures, seconds });
  }

  /** Runs work that is not training: its time is excluded from images per second and from `seconds`. */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    await this.options.gpu.device.queue.onSubmittedWorkDone(); // submitted steps still count as training
    return await this.clock.untimed(work);
  }

  /** Saves a checkpoint, outside training time. */
  async saveCheckpoint(): Promise<void> {
    await this.untimed(() => this.checkpoints.save(this.clock.milliseconds / 1000));
  }

  /** Restores the last checkpoint, or the beginning of the run if there is none. */
  restoreCheckpoint(): void {
    const seconds = this.checkpoints.restoreCheckpoint();
    if (seconds !== undefined) this.clock.restore(1000 * seconds);
    this.#metrics = readMetrics(this.folder);
    const epochs = this.#metrics.filter((line) => "testError" in line).map(({ epoch }) => Number(epoch));
    const measured = new Set(epochs);
    removeEpochPictures(this.folder, (epoch) => measured.has(epoch)); // a rollback undoes the others
  }

  /** Closes the files, frees GPU objects and restores the default action of Ctrl-C. */
  [Symbol.dispose](): void {
    this.pictures[Symbol.dispose]();
    this.test[Symbol.dispose]();
    this.interrupt.dispose();
    this.#log.close();
  }
}
