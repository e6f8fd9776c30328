/**
 * Setup of a training script before its loop: opens device and data, compiles the steps, prints a summary.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { hasCheckpoint } from "../runs/checkpoint_file.ts";
import { readStartingWeights, startFrom } from "../runs/starting_weights.ts";
import { batches } from "../data/shuffle.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { formatPlan } from "../step/plan.ts";
import { type Batch, Step } from "../step/step.ts";
import { DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { clipByGlobalNorm } from "../optim/clip.ts";
import { parseSchedule } from "../optim/schedule.ts";
import type { CommonFlags, ScheduleFlags } from "../recipe/common_flags.ts";
import type { Config } from "../recipe/flag_kinds.ts";
import { formatCost } from "../bench/cost_table.ts";
import { timeStep } from "../bench/time_step.ts";
import {
  describeInitialLoss,
  type InitialLoss,
  initialLoss,
  initialLossWarning,
} from "../evaluate/initial_loss.ts";
import { networkData, type Recipe } from "../recipe/recipe.ts";
import { openDataset } from "../cli/open_dataset.ts";
import { computingOn, kernelsIn, openGpuWith } from "../cli/open_gpu.ts";
import { compileShaders } from "./compile_shaders.ts";
import { type CompiledStage, compileStages, formatPlans } from "./stages.ts";
import { TrainingRun } from "./training_run.ts";
import { fitToRecipe } from "../recipe/data_range.ts";
import { type EvaluatedNetwork, evaluatedNetwork } from "../recipe/evaluated_network.ts";
import type { Stage } from "../recipe/stage_flags.ts";
import type { GradientClip, Optimizer } from "../step/update.ts";
import { print, printError, printText } from "../terminal.ts";

/** Flags used by training itself; recipes have more. */
export type TrainingConfig =
  & Omit<Config<{ [K in keyof CommonFlags]: CommonFlags[K] }>, "epochs" | "learningRate">
  & Config<{ [K in keyof ScheduleFlags]: ScheduleFlags[K] }>
  & Readonly<Record<string, unknown>>;

/** A compiled stage with its learning-rate schedule. */
export interface ScheduledStage extends CompiledStage {
  /** Returns the learning rate of a step of the stage, counted from 0. */
  readonly rate: (step: number) => number;
}

/** Options of {@link openTraining}; by default each epoch visits all training images in a new order. */
export interface TrainingOptions {
  /** Number of training images to use, from the first; default all. */
  readonly images?: number | undefined;
  /** True if each epoch has a new order; default true. */
  readonly shuffles?: boolean;
  /** Total number of steps, in place of `--epochs`. */
  readonly steps?: number;
  /** Largest number of measurements on test images; default one after every epoch. */
  readonly measurements?: number;
}

/**
 * Opens the device, loads the data set named by the flags and uploads its training images. Prints a
 * line about each.
 *
 * ```ts
 * import { openTraining, parseRecipe } from "@bottleneck/bottleneck";
 * import { deep } from "@bottleneck/bottleneck/recipes/deep";
 *
 * const config = parseRecipe(deep, ["--limit", "64", "--quiet"]);
 * using training = await openTraining(deep, config);
 * const step = await training.compile();
 * for (const batch of training.epochBatches) step.run(batch, training.rate(step.count));
 * ```
 *
 * @param recipe the recipe to train
 * @param config flags of the recipe, resolved
 * @throws InputError if the flags contradict each other, there is no device, or the data set cannot be loaded
 */
export async function openTraining(
  recipe: Recipe,
  config: TrainingConfig,
  options: TrainingOptions = {},
): Promise<Training> {
  const stages = recipe.stages?.({ ...recipe.architecture, ...config }); // refuses bad flags before anything opens
  using owned = new DisposableStack();
  const gpu = owned.use(await openGpuWith(config.kernels));
  if (!config.quiet) print(computingOn(gpu));
  const opened = await openDataset(config);
  const evaluated = evaluatedNetwork(recipe, config, networkData(opened));
  const data = fitToRecipe(opened, evaluated);
  const { batchSize, overfitBatch } = config, { images: only } = options;
  const epochBatches = batches(Math.min(only ?? Infinity, data.train.count), batchSize);
  const count = overfitBatch ? epochBatches[0].rows : only;
  const pixels = data.train.images.subarray(0, count === undefined ? undefined : count * data.width);
  const images = owned.use(new DeviceImages(gpu, "train", pixels, data.width));
  const parameters = owned.use(new Parameters(config.seed));
  const about = { recipe, config, gpu, data, images, parameters, evaluated, stages, options };
  // --overfit-batch keeps the number of steps, but each uses the first batch
  const steps = overfitBatch ? epochBatches.map(() => ({ ...epochBatches[0] })) : epochBatches;
  return new Training({ ...about, epochBatches: steps }, owned.move());
}

interface TrainingParts {
  readonly recipe: Recipe;
  readonly config: TrainingConfig;
  readonly gpu: Gpu;
  readonly data: Dataset;
  readonly images: DeviceImages;
  readonly parameters: Parameters;
  readonly evaluated: EvaluatedNetwork;
  readonly stages: readonly Stage[] | undefined;
  readonly options: TrainingOptions;
  readonly epochBatches: readonly Batch[];
}

/** Device, data and parameters of a recipe in training, created by {@link openTraining}. */
export class Training implements Disposable {
  /** The device that training runs on. */
  readonly gpu: Gpu;
  /** The data set, with training and test images. */
  readonly data: Dataset;
  /** The training images on the device. */
  readonly images: DeviceImages;
  /** The batches of an epoch, as ranges of the epoch's order; the last may be smaller. */
  readonly epochBatches: readonly Batch[];
  /** The network's parameters. */
  readonly parameters: Parameters;
  readonly #parts: TrainingParts;
  readonly #optimizer: Optimizer;
  readonly #owned: DisposableStack;
  #run: TrainingRun | undefined;

  /** Internal; use {@link openTraining}. */
  constructor(parts: TrainingParts, owned: DisposableStack) {
    const { recipe, config, gpu, data, images, epochBatches, parameters } = parts;
    this.gpu = gpu;
    this.data = data;
    this.images = images;
    this.epochBatches = epochBatches;
    this.parameters = parameters;
    this.#parts = parts;
    this.#optimizer = recipe.optimizer({ ...recipe.architecture, ...config });
    this.#owned = owned;
  }

  /** Total number of steps. */
  get steps(): number {
    const { stages, options, config } = this.#parts;
    const epochs = stages ? stages.reduce((sum, { epochs }) => sum + epochs, 0) : Number(config.epochs);
    return options.steps ?? epochs * this.epochBatches.length;
  }

  /** Number of images of a full batch: `--batch-size`, or all images if there are fewer. */
  get #batchSize(): number {
    return this.epochBatches[0].rows;
  }

  get #clip(): GradientClip | undefined {
    const { clipNorm } = this.#parts.config;
    return clipNorm === undefined ? undefined : clipByGlobalNorm(clipNorm);
  }

  /** True if losses are reported after this step, so that the step must watch its tensors. */
  #isDue(step: number): boolean {
    return this.#run?.isDueAt(step) ?? false;
  }

  /** Returns the training model of the recipe. */
  #network(stage: number | undefined): BuildModel {
    return this.#parts.evaluated.network({ purpose: "train", stage });
  }

  /** Compiles the training step of the network; it trains all parameters. */
  async compile(): Promise<Step> {
    const { gpu, images, parameters } = this, { recipe } = this.#parts;
    const graph = new Graph(this.#batchSize);
    const { losses } = this.#network(undefined)(graph, parameters, gatherBatch(graph, "pixels", images));
    const step = await compile(gpu, graph, parameters, {
      label: recipe.name,
      losses,
      trainable: parameters.all,
      optimizer: this.#optimizer,
      clip: this.#clip,
      watch: (index) => this.#isDue(index),
    });
    return this.#owned.use(step);
  }

  /**
   * Compiles the training steps of layer-wise training: one, with its learning rates, for each stage that has
   * epochs.
   *
   * @throws TypeError if the recipe has no stages
   */
  async compileStages(): Promise<ScheduledStage[]> {
    const { gpu, images, parameters } = this, { recipe, config, stages } = this.#parts;
    if (!stages) {
      throw new TypeError(`Cannot compile stages: recipe "${recipe.name}" has none; use compile()`);
    }
    const stepsOf = ({ epochs }: Stage) => epochs * this.epochBatches.length;
    const trained = stages.filter(({ epochs }) => epochs > 0);
    const rates = new Map(trained.map((stage) => [stage.label, this.#rate(stepsOf(stage))]));
    let steps = 0;
    const before = new Map(stages.map((stage) => [stage.label, (steps += stepsOf(stage)) - stepsOf(stage)]));
    const compiled = await compileStages(stages, {
      gpu,
      images,
      parameters,
      batchSize: this.#batchSize,
      optimizer: this.#optimizer,
      clip: this.#clip,
      watch: ({ label }) => (index) => // a stage also reports after each epoch
        this.#isDue(before.get(label)! + index) || index % this.epochBatches.length === 0,
      freeze: config.freeze === true,
      build: (stage) => this.#network(stage),
      owned: this.#owned,
    });
    return compiled.map((stage) => ({ ...stage, rate: rates.get(stage.label)! }));
  }

  /**
   * Returns the learning rate of a step: the optimizer's, scaled by `--schedule` and `--warmup`, and halved
   * at each rollback of `--on-nan rollback`.
   *
   * @param index number of steps done
   * @throws InputError if there are fewer steps than `--warmup`
   */
  rate(index: number): number {
    this.#wholeRate ??= this.#rate(this.steps);
    return this.#wholeRate(index);
  }

  #wholeRate: ((index: number) => number) | undefined;

  /** Returns the learning-rate schedule for a number of steps, counted from 0. */
  #rate(steps: number): (index: number) => number {
    const { schedule, warmup } = this.#parts.config, { learningRate } = this.#optimizer;
    const share = parseSchedule(schedule, { warmUp: warmup, steps });
    return (index) => learningRate * share(index, steps) * (this.#run?.rateShare ?? 1);
  }

  /**
   * Prints a summary, creates the run folder and, with `--live`, starts the dashboard. With `--resume` it
   * restores the run's last checkpoint instead of creating a folder.
   *
   * @param compiled result of {@link compile} or {@link compileStages}
   * @returns the run; undefined with `--print-plan`, `--profile` or `--dry-run`, which do not train
   * @throws InputError if the folder exists and is not empty, or cannot be written, or the dashboard's port is taken, or
   *   the run cannot be resumed, or there are fewer steps than `--warmup`, or no weight of `--from` fits
   */
  async start(compiled: Step | readonly CompiledStage[]): Promise<TrainingRun | undefined> {
    const { config, options, recipe, evaluated } = this.#parts,
      { gpu, data, images, parameters, epochBatches, steps } = this;
    if (compiled instanceof Step) this.rate(0); // throws if the warm-up is too long
    if (!config.quiet) {
      print(
        `model     ${parameters.count} parameters, ${this.#optimizer.name}, ${steps} steps of ${this.#batchSize}` +
          (this.#batchSize < config.batchSize ? `, all images: --batch-size is larger` : ""),
      );
    }
    // A resumed run has its weights in its checkpoint, unless it was stopped before the first.
    if (config.from !== undefined && (config.resume === undefined || !hasCheckpoint(config.resume))) {
      const line = startFrom(parameters, readStartingWeights(config.from), config.from);
      if (!config.quiet) print(line);
    }
    if (config.printPlan) {
      printText(compiled instanceof Step ? formatPlan(compiled) : formatPlans(compiled));
    }
    if (config.profile) await this.#profile(compiled);
    if (config.printPlan || config.profile) return undefined;
    const trained = compiled instanceof Step ? [compiled] : compiled.map(({ step }) => step);
    if (!config.dryRun) compileShaders(gpu, trained, config.quiet ? { write: () => {} } : {});
    const initialLoss = config.resume === undefined ? await this.#initialLoss() : undefined;
    if (config.dryRun) return undefined;
    if (config.overfitBatch && !config.quiet) print("overfit   trains on the first batch only");
    const epochs = Math.ceil(steps / epochBatches.length);
    const { measurements = epochs, shuffles = true } = options;
    this.#run = await TrainingRun.begin({
      recipe: recipe.name,
      config,
      gpu,
      kernels: kernelsIn(trained),
      data,
      parameters,
      evaluated,
      initialLoss,
      epochs,
      steps,
      stages: compiled instanceof Step
        ? [{ step: compiled, steps }]
        : compiled.map(({ stage, step, epochs }) => ({ stage, step, steps: epochs * epochBatches.length })),
      reportsEpochs: !(compiled instanceof Step),
      images,
      epochBatches,
      shuffles,
      measureEvery: Math.ceil(epochs / measurements),
    });
    return this.#run;
  }

  /** Measures and prints the loss before training; warns if it is far from the expected value. */
  async #initialLoss(): Promise<InitialLoss> {
    const { gpu, images, parameters, epochBatches } = this, { config, stages } = this.#parts;
    const build = this.#network(stages?.find(({ epochs }) => epochs > 0)?.stage);
    const initial = await initialLoss({ gpu, images, parameters, batch: epochBatches[0], build });
    if (!config.quiet) print(describeInitialLoss(initial));
    // weights that were trained before may start far below
    const warning = config.from === undefined ? initialLossWarning(initial) : undefined;
    if (warning !== undefined) printError(`warning: ${warning}`);
    return initial;
  }

  /** Times the step of each stage on a full batch and prints its cost. */
  async #profile(compiled: Step | readonly CompiledStage[]): Promise<void> {
    const stages = compiled instanceof Step ? [{ label: undefined, step: compiled }] : compiled;
    for (const { label, step } of stages) {
      if (label !== undefined) print(label);
      printText(formatCost(await timeStep(this.gpu, step, this.#batchSize)));
    }
  }

  /** Frees the device and all GPU objects. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
