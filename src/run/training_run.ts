/**
 * What every training script does around its loop: the run folder, progress and metrics, Ctrl-C, and saving.
 * @module
 */
import denoConfig from "../../deno.json" with { type: "json" };
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { LossReading } from "../graph/step.ts";
import { DeviceImages } from "../layers/gather_batch.ts";
import { closingTable } from "../report/closing_table.ts";
import { codesCsv } from "../report/codes_csv.ts";
import { reconstructionGrid } from "../report/picture.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import { type Live, startLive } from "../live/live.ts";
import { type Interrupt, watchInterrupt } from "./command.ts";
import { commandLine } from "./command_line.ts";
import { evaluate, type Evaluation, PICTURES } from "./evaluate.ts";
import { HeldOut } from "./held_out.ts";
import { baselinesOf, closingRows, type Measured } from "./measured.ts";
import { Progress } from "./progress.ts";
import { createRunFolder, MetricsLog, writeConfig, writeFileAtomic } from "./run_folder.ts";
import type { Results } from "./results.ts";
import { RunPictures } from "./run_pictures.ts";
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
    readonly logEvery: number;
    readonly live: boolean;
    readonly port: number;
    readonly pictureEvery: number;
    readonly quiet: boolean;
  };
  /** The device. */
  readonly gpu: Gpu;
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
}

/** What a line of the metrics may say besides its figures. */
export interface Place {
  /** The stage that is trained, if there are stages. */
  readonly stage?: number | undefined;
}

/** Flags that say where things are and what is shown: what is learned does not depend on them. */
const OUTSIDE: ReadonlySet<string> = new Set([
  "out",
  "dataDir",
  "data",
  "live",
  "port",
  "pictureEvery",
  "quiet",
  "dryRun",
  "printPlan",
]);

/** A run in progress. Begin one with {@link TrainingRun.begin}. */
export class TrainingRun implements Disposable {
  /** Its folder. */
  readonly folder: string;
  readonly #options: TrainingRunOptions;
  readonly #log: MetricsLog;
  readonly #metrics: MetricsRecord[] = [];
  readonly #progress: Progress;
  readonly #interrupt: Interrupt = watchInterrupt();
  readonly #started = performance.now();
  #images = 0;
  #aside = 0; // milliseconds of what is no training
  #testImages: DeviceImages | undefined;
  #heldOut: { readonly stage: number | undefined; readonly network: HeldOut } | undefined;
  readonly #pictures: RunPictures;

  /**
   * Makes the run folder, writes down what is about to happen, and starts the dashboard if there is to be one.
   *
   * @throws InputError if the folder exists and is not empty, or cannot be written, or the dashboard's port is taken
   */
  static async begin(options: TrainingRunOptions): Promise<TrainingRun> {
    const { port, live: isLive } = options.config;
    const live = isLive ? await startLive({ port }) : undefined; // first, as it may be refused
    try {
      const run = new TrainingRun(options, live);
      if (live) console.log(`dashboard ${live.url}`);
      return run;
    } catch (error) {
      live?.[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(options: TrainingRunOptions, live: Live | undefined) {
    const { recipe, config, gpu, data, parameters, measured } = options;
    this.#options = options;
    const startedAt = new Date();
    this.folder = createRunFolder({ recipe, seed: config.seed, out: config.out, startedAt });
    writeConfig(this.folder, {
      recipe,
      startedAt: startedAt.toISOString(),
      config,
      facts: {
        command: commandLine(),
        versions: { bottleneck: denoConfig.version, deno: Deno.version.deno },
        adapter: gpu.adapterName,
        software: gpu.isSoftware,
        dataset: data.name,
        datasetSource: data.source,
        datasetChecksum: data.checksum,
        trainImages: data.train.count,
        testImages: data.test.count,
        width: data.width,
        imageShape: data.imageShape,
        classNames: data.classNames,
      },
    });
    const { seed, pictureEvery } = config;
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
    this.#log = new MetricsLog(this.folder);
    this.#progress = new Progress({
      ...options,
      now: () => performance.now() - this.#aside,
      ...(config.quiet ? { write: () => {} } : {}),
    });
  }

  /** Whether the user asked to stop. */
  get isInterrupted(): boolean {
    return this.#interrupt.requested || this.#pictures.live?.isStopped === true;
  }

  /**
   * Whether to {@link report} after this many steps: every `--log-every`, at the end, and when the dashboard wants a
   * picture.
   */
  isDue(step: number): boolean {
    const { steps, config: { logEvery } } = this.#options;
    return step % logEvery === 0 || step === steps || this.#pictures.isDue(step);
  }

  /** Milliseconds of training so far: without what was done {@link aside}. */
  get #milliseconds(): number {
    return performance.now() - this.#started - this.#aside;
  }

  #file(record: MetricsRecord): void {
    this.#log.write(record);
    this.#metrics.push(record);
    this.#pictures.live?.publish({ kind: "metrics", record });
  }

  #fileAt(epoch: number, step: number, { stage }: Place, figures: Readonly<Record<string, number>>): void {
    const seconds = Math.round(this.#milliseconds) / 1000;
    this.#file({ epoch, step, ...(stage === undefined ? {} : { stage }), ...figures, seconds });
  }

  /**
   * Shows and files the mean losses since the last report. On a dashboard it shows pictures too, and waits there while
   * training is to pause.
   *
   * @param epoch the current epoch, from 1
   * @param step steps done so far
   * @param losses what was read
   * @param place what else belongs into the metrics
   */
  async report(epoch: number, step: number, losses: LossReading, place: Place = {}): Promise<void> {
    this.#images += losses.images;
    this.#progress.update({ epoch, step, losses: losses.mean, images: this.#images });
    const norms = losses.gradientNorms;
    this.#fileAt(epoch, step, place, {
      ...losses.mean,
      ...(norms ? { gradientNorm: norms.reduce((sum, norm) => sum + norm, 0) / norms.length } : {}),
    });
    const { live } = this.#pictures;
    if (!live) return;
    const { epochs, steps } = this.#options, seconds = this.#milliseconds / 1000;
    live.publish({
      kind: "progress",
      progress: {
        epoch,
        epochs,
        step,
        steps,
        imagesPerSecond: this.#images / seconds,
        secondsLeft: seconds / step * (steps - step),
      },
    });
    if (this.#pictures.isDue(step)) await this.aside(() => this.#pictures.show(epoch, step, place.stage));
    if (live.isPaused) await this.aside(() => live.whilePaused(() => this.#interrupt.requested));
  }

  /**
   * Measures the network on all test images, that of the stage if there is one, and files what it finds: `testError`,
   * the squared error per pixel, and `test.<term>` for each term of the loss without its weight, per image if its
   * reduction is `sum` or `sample`, else its mean; and their sum as `test.total`, where the recipe names terms that add
   * up. Saves a snapshot and pictures. The time that all this takes is no training time.
   *
   * @param epoch the epoch that has ended, from 1
   * @param step steps done so far
   * @param place what else belongs into the metrics
   */
  async endEpoch(epoch: number, step: number, place: Place = {}): Promise<void> {
    const found = await this.aside(async () => {
      await this.#pictures.save(epoch, step, place.stage);
      return (await this.#networkOf(place.stage)).measure();
    });
    const { total } = this.#options.measured;
    const sum = total?.reduce((sum, label) => sum + found[`test.${label}`], 0);
    this.#fileAt(epoch, step, place, { ...found, ...(sum === undefined ? {} : { "test.total": sum }) });
  }

  /**
   * Does work that is no training: pictures, measurements. Its time counts neither in images per second nor in the
   * metrics' seconds.
   *
   * @returns what the work returns
   */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    await this.#options.gpu.device.queue.onSubmittedWorkDone(); // the steps that were submitted are training still
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
    await this.#saveModel(steps);
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
    writeFileAtomic(join(this.folder, "results.json"), JSON.stringify(results, null, 2) + "\n");
    await this.#pictures.finish();
    say(`${closingTable(rows)}\nrun saved in ${this.folder}; open report.html there`);
    return this.#interrupt.exitCode;
  }

  /** Saves the model as a PyTorch state_dict would name and lay it out. The bytes depend on the training alone. */
  async #saveModel(steps: number): Promise<void> {
    const { parameters } = this.#options;
    const values = await parameters.read();
    const config = Object.fromEntries(
      Object.entries(this.#options.config).filter(([flag]) => !OUTSIDE.has(flag)),
    );
    writeSafetensors(
      join(this.folder, "model.safetensors"),
      parameters.all.map(({ name, shape }) => ({ name, shape, data: values.get(name)! })),
      { recipe: this.#options.recipe, step: String(steps), config: JSON.stringify(config) },
    );
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

function saveEvaluation(folder: string, data: Dataset, result: Evaluation): void {
  const count = Math.min(PICTURES, data.test.count);
  const [height, width] = data.imageShape;
  writeFileAtomic(
    join(folder, "reconstructions.png"),
    reconstructionGrid(data.test.images, result.reconstructions, count, [height, width]),
  );
  writeFileAtomic(join(folder, "codes.csv"), codesCsv(result.codes, data.test.labels, result.codeSize));
}
