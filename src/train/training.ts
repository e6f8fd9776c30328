/**
 * What every training script does before its loop: opens the device and the data, compiles, and says what will be done.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { batches } from "../data/shuffle.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { formatPlan } from "../graph/plan.ts";
import { type Batch, Step } from "../graph/step.ts";
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
import { type CompiledStage, compileStages, formatPlans } from "./stages.ts";
import { TrainingRun } from "./training_run.ts";
import { type EvaluatedNetwork, evaluatedNetwork } from "../recipe/evaluated_network.ts";
import type { Stage } from "../recipe/stage_flags.ts";
import type { GradientClip, Optimizer } from "../graph/update.ts";

/** The flags that training itself looks at; recipes have more. */
export type TrainingConfig =
  & Omit<Config<{ [K in keyof CommonFlags]: CommonFlags[K] }>, "epochs" | "learningRate">
  & Config<{ [K in keyof ScheduleFlags]: ScheduleFlags[K] }>
  & Readonly<Record<string, unknown>>;

/** A stage, ready to be run, with its learning rates. */
export interface ScheduledStage extends CompiledStage {
  /** The step size at each of its steps, counted from 0. */
  readonly rate: (step: number) => number;
}

/** How a training differs from passes over all training images, each in a new order. */
export interface TrainingOptions {
  /** How many of the training images to train on, from the first; all if absent. */
  readonly images?: number | undefined;
  /** Whether each epoch has a new order; true if absent. */
  readonly shuffles?: boolean;
  /** Steps in all, instead of `--epochs`. */
  readonly steps?: number;
  /** How often the network is measured on test images, at most; after every epoch if absent. */
  readonly measurements?: number;
}

/**
 * Opens the device, loads the data set that the flags name and uploads its training images. Prints a line about each.
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
 * @param recipe what will be trained
 * @param config its flags, resolved
 * @throws InputError if the flags contradict each other, there is no device, or the data set cannot be had
 */
export async function openTraining(
  recipe: Recipe,
  config: TrainingConfig,
  options: TrainingOptions = {},
): Promise<Training> {
  const stages = recipe.stages?.({ ...recipe.architecture, ...config }); // what is wrong is said before anything is opened
  using owned = new DisposableStack();
  const gpu = owned.use(await openGpuWith(config.kernels));
  if (!config.quiet) console.log(computingOn(gpu));
  const data = await openDataset(config);
  const evaluated = evaluatedNetwork(recipe, config, networkData(data));
  const { batchSize, overfitBatch } = config, { images: only } = options;
  const epochBatches = batches(Math.min(only ?? Infinity, data.train.count), batchSize);
  const count = overfitBatch ? epochBatches[0].rows : only;
  const pixels = data.train.images.subarray(0, count === undefined ? undefined : count * data.width);
  const images = owned.use(new DeviceImages(gpu, "train", pixels, data.width));
  const parameters = owned.use(new Parameters(config.seed));
  const about = { recipe, config, gpu, data, images, parameters, evaluated, stages, options };
  // to overfit, there are as many steps as ever, each with the first batch
  const steps = overfitBatch ? epochBatches.map(() => ({ ...epochBatches[0] })) : epochBatches;
  return new Training({ ...about, epochBatches: steps }, owned.move());
}

/** What a {@link Training} is made from. */
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

/** What is open while a recipe trains. Make one with {@link openTraining}. */
export class Training implements Disposable {
  /** The device. */
  readonly gpu: Gpu;
  /** The data set. */
  readonly data: Dataset;
  /** The images to train on. */
  readonly images: DeviceImages;
  /** The batches of an epoch, over places in the epoch's order; the last may be smaller. */
  readonly epochBatches: readonly Batch[];
  /** What will be learned. */
  readonly parameters: Parameters;
  readonly #parts: TrainingParts;
  readonly #optimizer: Optimizer;
  readonly #owned: DisposableStack;
  #run: TrainingRun | undefined;

  /** Use {@link openTraining}. */
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

  /** Steps in all. */
  get steps(): number {
    const { stages, options, config } = this.#parts;
    const epochs = stages ? stages.reduce((sum, { epochs }) => sum + epochs, 0) : Number(config.epochs);
    return options.steps ?? epochs * this.epochBatches.length;
  }

  /** Rows of a full batch: `--batch-size`, or all images if there are fewer. */
  get #batchSize(): number {
    return this.epochBatches[0].rows;
  }

  get #clip(): GradientClip | undefined {
    const { clipNorm } = this.#parts.config;
    return clipNorm === undefined ? undefined : clipByGlobalNorm(clipNorm);
  }

  /** Whether losses will be read after this many steps, so that the step is to be watched. */
  #isDue(step: number): boolean {
    return this.#run?.isDueAt(step) ?? false;
  }

  /** Records the recipe's network, as it trains. */
  #network(stage: number | undefined): BuildModel {
    return this.#parts.evaluated.network({ purpose: "train", stage });
  }

  /** Records the network on batches of the training images, and compiles its training step; all parameters are trained. */
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
   * The same for training layer by layer: a step, with its learning rates, for each stage that has epochs.
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
      watch: ({ label }) => (index) => // a stage reports after each epoch too
        this.#isDue(before.get(label)! + index) || index % this.epochBatches.length === 0,
      freeze: config.freeze === true,
      build: (stage) => this.#network(stage),
      owned: this.#owned,
    });
    return compiled.map((stage) => ({ ...stage, rate: rates.get(stage.label)! }));
  }

  /**
   * The step size of a step: the optimizer's own, changed as `--schedule` and `--warmup` say, and halved each time that
   * `--on-nan rollback` went back.
   *
   * @param index steps done so far
   * @throws InputError if there are fewer steps than `--warmup`
   */
  rate(index: number): number {
    this.#wholeRate ??= this.#rate(this.steps);
    return this.#wholeRate(index);
  }

  #wholeRate: ((index: number) => number) | undefined;

  /** The step size at each of so many steps, counted from 0. */
  #rate(steps: number): (index: number) => number {
    const { schedule, warmup } = this.#parts.config, { learningRate } = this.#optimizer;
    const share = parseSchedule(schedule, { warmUp: warmup, steps });
    return (index) => learningRate * share(index, steps) * (this.#run?.rateShare ?? 1);
  }

  /**
   * Says what will be trained, makes the run folder, and starts the dashboard if there is to be one. With `--resume`,
   * steps and parameters are put where the run was left.
   *
   * @param compiled what {@link compile} or {@link compileStages} gave
   * @returns the run, or nothing if `--print-plan`, `--profile` or `--dry-run` asked only for what was said
   * @throws InputError if the folder exists and is not empty, or cannot be written, or the dashboard's port is taken, or
   *   the run to resume cannot be gone on with, or there are fewer steps than `--warmup`
   */
  async start(compiled: Step | readonly CompiledStage[]): Promise<TrainingRun | undefined> {
    const { config, options, recipe, evaluated } = this.#parts,
      { gpu, data, images, parameters, epochBatches, steps } = this;
    if (compiled instanceof Step) this.rate(0); // a warm-up that does not fit is said now
    if (!config.quiet) {
      console.log(
        `model     ${parameters.count} parameters, ${this.#optimizer.name}, ${steps} steps of ${this.#batchSize}` +
          (this.#batchSize < config.batchSize ? `, which are all images: --batch-size is larger` : ""),
      );
    }
    if (config.printPlan) {
      console.log(compiled instanceof Step ? formatPlan(compiled) : formatPlans(compiled));
    }
    if (config.profile) await this.#profile(compiled);
    if (config.printPlan || config.profile) return undefined;
    const initialLoss = config.resume === undefined ? await this.#initialLoss() : undefined;
    if (config.dryRun) return undefined;
    if (config.overfitBatch && !config.quiet) console.log("overfit   trains on the first batch only");
    const epochs = Math.ceil(steps / epochBatches.length);
    const { measurements = epochs, shuffles = true } = options;
    this.#run = await TrainingRun.begin({
      recipe: recipe.name,
      config,
      gpu,
      kernels: kernelsIn(compiled instanceof Step ? [compiled] : compiled.map(({ step }) => step)),
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

  /** Says what the loss is before training, and warns if that is far from what it should be. */
  async #initialLoss(): Promise<InitialLoss> {
    const { gpu, images, parameters, epochBatches } = this, { config, stages } = this.#parts;
    const build = this.#network(stages?.find(({ epochs }) => epochs > 0)?.stage);
    const initial = await initialLoss({ gpu, images, parameters, batch: epochBatches[0], build });
    if (!config.quiet) console.log(describeInitialLoss(initial));
    const warning = initialLossWarning(initial);
    if (warning !== undefined) console.error(`warning: ${warning}`);
    return initial;
  }

  /** Measures a step, or that of each stage, on a full batch, and prints what it costs. */
  async #profile(compiled: Step | readonly CompiledStage[]): Promise<void> {
    const stages = compiled instanceof Step ? [{ label: undefined, step: compiled }] : compiled;
    for (const { label, step } of stages) {
      if (label !== undefined) console.log(label);
      console.log(formatCost(await timeStep(this.gpu, step, this.#batchSize)));
    }
  }

  /** Frees the device and all that is on it. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
