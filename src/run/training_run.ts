/**
 * What every training script does around its loop: the run folder, progress and metrics, Ctrl-C, and saving.
 * @module
 */
import denoConfig from "../../deno.json" with { type: "json" };
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { LossReading } from "../graph/step.ts";
import type { TableRow } from "../report/closing_table.ts";
import { codesCsv } from "../report/codes_csv.ts";
import { reconstructionGrid } from "../report/picture.ts";
import { type Interrupt, watchInterrupt } from "./command.ts";
import { evaluate, type Evaluation, formatEvaluation, PICTURES } from "./evaluate.ts";
import { Progress } from "./progress.ts";
import { createRunFolder, MetricsLog, writeConfig, writeFileAtomic } from "./run_folder.ts";
import { writeSafetensors } from "./safetensors.ts";

/** What a run is about. */
export interface TrainingRunOptions {
  /** The recipe's name. */
  readonly recipe: string;
  /** Every resolved flag. */
  readonly config: Readonly<Record<string, unknown>> & {
    readonly seed: number;
    readonly out?: string | undefined;
  };
  /** The device. */
  readonly gpu: Gpu;
  /** The data set. */
  readonly data: Dataset;
  /** Passes over the images. */
  readonly epochs: number;
  /** Steps in all. */
  readonly steps: number;
}

/** A run in progress. */
export class TrainingRun {
  /** Its folder. */
  readonly folder: string;
  readonly #options: TrainingRunOptions;
  readonly #metrics: MetricsLog;
  readonly #progress: Progress;
  readonly #interrupt: Interrupt = watchInterrupt();
  readonly #started = performance.now();
  #images = 0;

  /**
   * Makes the run folder, and writes down what is about to happen.
   *
   * @throws InputError if the folder exists and is not empty, or cannot be written
   */
  constructor(options: TrainingRunOptions) {
    const { recipe, config, gpu, data } = options;
    this.#options = options;
    const startedAt = new Date();
    this.folder = createRunFolder({ recipe, seed: config.seed, out: config.out, startedAt });
    writeConfig(this.folder, {
      recipe,
      startedAt: startedAt.toISOString(),
      config,
      facts: {
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
      },
    });
    this.#metrics = new MetricsLog(this.folder);
    this.#progress = new Progress(options);
  }

  /** Whether the user asked to stop. */
  get isInterrupted(): boolean {
    return this.#interrupt.requested;
  }

  /**
   * Shows and files the mean losses since the last report.
   *
   * @param epoch the current epoch, from 1
   * @param step steps done so far
   * @param losses what was read
   * @param more what else belongs into the metrics, such as the stage
   */
  report(
    epoch: number,
    step: number,
    losses: LossReading,
    more: Readonly<Record<string, number>> = {},
  ): void {
    this.#images += losses.images;
    this.#progress.update({ epoch, step, losses: losses.mean, images: this.#images });
    const seconds = (performance.now() - this.#started) / 1000;
    const norms = losses.gradientNorms;
    this.#metrics.write({
      epoch,
      step,
      ...more,
      ...losses.mean,
      ...(norms ? { gradientNorm: norms.reduce((sum, norm) => sum + norm, 0) / norms.length } : {}),
      seconds: Math.round(seconds * 1000) / 1000,
    });
  }

  /**
   * What follows every training: saves the model, measures it on the test images, saves pictures and codes, and
   * prints the closing table.
   *
   * @param parameters what was learned
   * @param steps steps done
   * @param build records the network as it is to be measured
   * @param more rows for the closing table
   * @returns what the script should return: 0, or Ctrl-C's exit code
   */
  async finish(
    parameters: Parameters,
    steps: number,
    build: BuildModel,
    more: (result: Evaluation) => readonly TableRow[] | Promise<readonly TableRow[]> = () => [],
  ): Promise<number> {
    const { gpu, data } = this.#options;
    this.#progress.finish();
    if (this.isInterrupted) console.log("interrupted: saving what was learned so far");
    await this.#saveModel(parameters, steps);
    const result = await evaluate(gpu, build, parameters, data);
    this.#saveEvaluation(result);
    console.log(`${formatEvaluation(result, await more(result))}\nrun saved in ${this.folder}`);
    return this.#interrupt.exitCode;
  }

  /** Saves the model as a PyTorch state_dict would name and lay it out. The bytes depend on the training alone. */
  async #saveModel(parameters: Parameters, steps: number): Promise<void> {
    const values = await parameters.read();
    const { out: _out, dataDir: _dataDir, data: _data, dryRun: _dryRun, printPlan: _printPlan, ...config } =
      this.#options.config;
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
    this.#metrics.write({
      testError: result.error,
      meanImageError: result.meanImageError,
      pcaError: result.pcaError,
      ...(result.accuracy === undefined ? {} : { accuracy: result.accuracy }),
    });
  }

  /** Closes the files, and lets Ctrl-C end the process again. */
  [Symbol.dispose](): void {
    this.#interrupt.dispose();
    this.#metrics.close();
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
