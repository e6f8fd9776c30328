/**
 * What every training script does before its loop: opens the device and the data, compiles, and says what will be done.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { batches } from "../data/shuffle.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile, type GradientClip, type Optimizer } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { formatPlan } from "../graph/plan.ts";
import { type Batch, Step } from "../graph/step.ts";
import { DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { clipByGlobalNorm } from "../optim/clip.ts";
import { parseSchedule } from "../optim/schedule.ts";
import type { CommonFlags, ScheduleFlags } from "./common_flags.ts";
import type { Config } from "./flag_kinds.ts";
import { formatCost } from "./format_cost.ts";
import { measureStep } from "./measure_step.ts";
import { describeInitialLoss, type InitialLoss, initialLoss, initialLossWarning } from "./initial_loss.ts";
import type { Measured } from "./measured.ts";
import { openDataset } from "./open_dataset.ts";
import { computingOn, kernelsIn, openGpuWith } from "./open_gpu.ts";
import { type CompiledStage, compileStages, formatPlans, type Stage } from "./stages.ts";
import { TrainingRun } from "./training_run.ts";

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

/** What {@link Training.start} is told. */
export interface StartOptions extends Measured {
  /** What will be run: a step, or one for each stage. */
  readonly compiled: Step | readonly CompiledStage[];
  /** The rule that it was compiled with. */
  readonly optimizer: Optimizer;
  /** Passes over the images. */
  readonly epochs: number;
  /** Steps in all. */
  readonly steps: number;
  /** Epochs between two measurements; 1 if absent. The last epoch is always measured. */
  readonly measureEvery?: number;
}

/**
 * Opens the device, loads the data set that the flags name and uploads its training images. Prints a line about each.
 *
 * @param recipe the recipe's name
 * @param config its flags
 * @param only how many of the training images to train on, from the first; all if absent
 * @throws InputError if there is no device, or the data set cannot be had
 */
export async function openTraining(recipe: string, config: TrainingConfig, only?: number): Promise<Training> {
  using owned = new DisposableStack();
  const gpu = owned.use(await openGpuWith(config.kernels));
  if (!config.quiet) console.log(computingOn(gpu));
  const data = await openDataset(config);
  const { batchSize, overfitBatch } = config;
  const schedule = batches(Math.min(only ?? Infinity, data.train.count), batchSize);
  const count = overfitBatch ? schedule[0].rows : only;
  const pixels = data.train.images.subarray(0, count === undefined ? undefined : count * data.width);
  const images = owned.use(new DeviceImages(gpu, "train", pixels, data.width));
  const parameters = owned.use(new Parameters(config.seed));
  const about = { recipe, config, gpu, data, images, parameters };
  // to overfit, there are as many steps as ever, each with the first batch
  const steps = overfitBatch ? schedule.map(() => ({ ...schedule[0] })) : schedule;
  return new Training({ ...about, schedule: steps }, owned.move());
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
  readonly schedule: readonly Batch[];
  /** What will be learned. */
  readonly parameters: Parameters;
  readonly #recipe: string;
  readonly #config: TrainingConfig;
  readonly #owned: DisposableStack;
  #first: BuildModel | undefined; // the network that is trained first
  #run: TrainingRun | undefined;

  /** Use {@link openTraining}. */
  constructor(
    { recipe, config, gpu, data, images, schedule, parameters }:
      & Pick<Training, "gpu" | "data" | "images" | "schedule" | "parameters">
      & {
        readonly recipe: string;
        readonly config: TrainingConfig;
      },
    owned: DisposableStack,
  ) {
    this.gpu = gpu;
    this.data = data;
    this.images = images;
    this.schedule = schedule;
    this.parameters = parameters;
    this.#recipe = recipe;
    this.#config = config;
    this.#owned = owned;
  }

  /** Rows of a full batch: `--batch-size`, or all images if there are fewer. */
  get #batchSize(): number {
    return this.schedule[0].rows;
  }

  get #clip(): GradientClip | undefined {
    const { clipNorm } = this.#config;
    return clipNorm === undefined ? undefined : clipByGlobalNorm(clipNorm);
  }

  /** Whether losses will be read after this many steps, so that the step is to be watched. */
  #isDue(step: number): boolean {
    return this.#run?.isDue(step) ?? false;
  }

  /**
   * Records a network on batches of the training images, and compiles its training step; all parameters are trained.
   *
   * @param build records the network
   * @param optimizer the rule that updates them
   */
  async compile(build: BuildModel, optimizer: Optimizer): Promise<Step> {
    const { gpu, images, parameters } = this;
    this.#first = build;
    const graph = new Graph(this.#batchSize);
    const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", images));
    const watch = (index: number) => this.#isDue(index);
    const options = {
      label: this.#recipe,
      losses,
      trainable: parameters.all,
      optimizer,
      clip: this.#clip,
      watch,
    };
    return this.#owned.use(await compile(gpu, graph, parameters, options));
  }

  /**
   * The same for training layer by layer: a step for each stage that has epochs.
   *
   * @param stages what `planStages` gave
   * @param freeze whether a stage trains only the layer that it adds
   * @param optimizer the rule of every stage
   * @param build the network of a stage, or of all at once
   */
  async compileStages(
    stages: readonly Stage[],
    freeze: boolean,
    optimizer: Optimizer,
    build: (stage: number | undefined) => BuildModel,
  ): Promise<ScheduledStage[]> {
    const { gpu, images, parameters } = this;
    const batchSize = this.#batchSize;
    const stepsOf = ({ epochs }: Stage) => epochs * this.schedule.length;
    const rates = new Map(stages.map((stage) => [stage.label, this.rate(optimizer, stepsOf(stage))]));
    let steps = 0;
    const before = new Map(stages.map((stage) => [stage.label, (steps += stepsOf(stage)) - stepsOf(stage)]));
    const watch = ({ label }: Stage) => (index: number) => // a stage reports after each epoch too
      this.#isDue(before.get(label)! + index) || index % this.schedule.length === 0;
    const options = { gpu, images, parameters, batchSize, optimizer, clip: this.#clip, watch, freeze, build };
    this.#first = build(stages.find(({ epochs }) => epochs > 0)?.stage);
    const compiled = await compileStages(stages, { ...options, owned: this.#owned });
    return compiled.map((stage) => ({ ...stage, rate: rates.get(stage.label)! }));
  }

  /**
   * The step size at each step, counted from 0: the optimizer's own, changed as `--schedule` and `--warmup` say,
   * and halved each time that `--on-nan rollback` went back.
   *
   * @param optimizer the rule whose step size it is
   * @param steps how many steps there will be
   * @throws InputError if there are fewer than `--warmup`
   */
  rate({ learningRate }: Optimizer, steps: number): (step: number) => number {
    const { schedule, warmup } = this.#config;
    const share = parseSchedule(schedule, { warmUp: warmup, steps });
    return (step) => learningRate * share(step, steps) * (this.#run?.rateShare ?? 1);
  }

  /**
   * Says what will be trained, makes the run folder, and starts the dashboard if there is to be one. With `--resume`,
   * steps and parameters are put where the run was left.
   *
   * @returns the run, or nothing if `--print-plan`, `--profile` or `--dry-run` asked only for what was said
   * @throws InputError if the folder exists and is not empty, or cannot be written, or the dashboard's port is taken, or
   *   the run to resume cannot be gone on with
   */
  async start(
    { compiled, optimizer, epochs, steps, measureEvery, ...measured }: StartOptions,
  ): Promise<TrainingRun | undefined> {
    const { gpu, data, parameters } = this;
    const [recipe, config] = [this.#recipe, this.#config];
    if (!config.quiet) {
      console.log(
        `model     ${parameters.count} parameters, ${optimizer.name}, ${steps} steps of ${this.#batchSize}` +
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
    const stages = compiled instanceof Step ? [{ step: compiled, epochs }] : compiled;
    const stepsPerEpoch = this.schedule.length;
    const kernels = kernelsIn(stages.map(({ step }) => step));
    const about = { recipe, config, gpu, kernels, data, parameters, measured, initialLoss };
    this.#run = await TrainingRun.begin({ ...about, epochs, steps, stages, stepsPerEpoch, measureEvery });
    return this.#run;
  }

  /** Says what the loss is before training, and warns if that is far from what it should be. */
  async #initialLoss(): Promise<InitialLoss> {
    const { gpu, images, parameters, schedule } = this;
    const initial = await initialLoss({ gpu, images, parameters, batch: schedule[0], build: this.#first! });
    if (!this.#config.quiet) console.log(`start     ${describeInitialLoss(initial)}`);
    const warning = initialLossWarning(initial);
    if (warning !== undefined) console.error(`warning: ${warning}`);
    return initial;
  }

  /** Measures a step, or that of each stage, on a full batch, and prints what it costs. */
  async #profile(compiled: Step | readonly CompiledStage[]): Promise<void> {
    const stages = compiled instanceof Step ? [{ label: undefined, step: compiled }] : compiled;
    for (const { label, step } of stages) {
      if (label !== undefined) console.log(label);
      console.log(formatCost(await measureStep(this.gpu, step, this.#batchSize)));
    }
  }

  /** Frees the device and all that is on it. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
