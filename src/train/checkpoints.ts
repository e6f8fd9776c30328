/**
 * The checkpoints of a run in progress: when they are due, what they are made from, and going back to the last one.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { Diverged, InputError } from "../errors.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../graph/step.ts";
import { readLastCheckpoint, saveCheckpoint, type StoredModel } from "../runs/checkpoint_file.ts";
import { type CheckpointEvery, parseCheckpointEvery } from "../recipe/checkpoint_every.ts";
import type { BestEpoch } from "./early_stopping.ts";
import { learnedConfig, refuseOthers } from "./resume.ts";
import { writeSafetensors } from "../files/safetensors.ts";
import type { TrainedStage } from "./stages.ts";
import type { MetricsLog } from "../runs/metrics_log.ts";
import { readRun } from "../runs/run_config.ts";
import { removeFile } from "../files/write_file.ts";
import type { StepState } from "../graph/step_state.ts";

/** What checkpoints are made from. */
export interface RunCheckpointsOptions {
  /** The recipe's name. */
  readonly recipe: string;
  /** Every resolved flag. */
  readonly config: Readonly<Record<string, unknown>> & {
    readonly checkpointEvery?: string | undefined;
    readonly keep?: number | undefined;
  };
  /** The data set. */
  readonly data: Pick<Dataset, "name" | "checksum">;
  /** What is learned. */
  readonly parameters: Parameters;
  /** What is run, in order; one without a number if there are no stages. */
  readonly stages: readonly TrainedStage[];
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
}

/** What is saved of a run while it trains, so that it can go on from there. */
export class RunCheckpoints {
  readonly #folder: string;
  readonly #options: RunCheckpointsOptions;
  readonly #log: MetricsLog;
  readonly #every: CheckpointEvery;
  #savedStep: number | undefined;
  #rollbacks: readonly number[] = [];
  #best: StoredModel | undefined;

  /** Checkpoints in a run folder, whose metrics they count on. */
  constructor(folder: string, log: MetricsLog, options: RunCheckpointsOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#log = log;
    this.#every = parseCheckpointEvery(options.config.checkpointEvery);
  }

  /** Steps done, over all stages. */
  get step(): number {
    return this.#options.stages.reduce((sum, { step }) => sum + step.count, 0);
  }

  /** Steps that the last checkpoint has; absent before the first. */
  get savedStep(): number | undefined {
    return this.#savedStep;
  }

  /** The best model so far, if training may stop early. */
  get best(): StoredModel | undefined {
    return this.#best;
  }

  /** Steps at which training had diverged and went back. */
  get rollbacks(): readonly number[] {
    return this.#rollbacks;
  }

  /** What the learning rate is multiplied with: halved each time that training went back. */
  get rateShare(): number {
    return 0.5 ** this.#rollbacks.length;
  }

  /** Whether `--checkpoint-every` counts steps, and wants a checkpoint after this many. */
  isDueStep(step: number): boolean {
    const { unit, count } = this.#every;
    return unit === "steps" && step % count === 0;
  }

  /** Whether `--checkpoint-every` counts epochs, and wants a checkpoint after this one. */
  isDueEpoch(epoch: number): boolean {
    const { unit, count } = this.#every;
    const before = Math.floor((this.#savedStep ?? 0) / this.#options.stepsPerEpoch);
    return unit === "epochs" && Math.floor(epoch / count) > Math.floor(before / count);
  }

  /**
   * Saves all that training depends on, as it is now.
   *
   * @param seconds of training so far
   * @throws InputError if it cannot be written; earlier ones are as they were then
   */
  async save(seconds: number): Promise<void> {
    const { recipe, config, data, parameters, stages, stepsPerEpoch } = this.#options;
    const current = Math.max(0, stages.findLastIndex(({ step }) => step.count > 0));
    const step = this.step;
    const [values, state] = await Promise.all([parameters.read(), stages[current].step.readState()]);
    this.#log.sync(); // a checkpoint must not outlive lines that it counts on
    saveCheckpoint(this.#folder, {
      recipe,
      config: learnedConfig(config),
      dataset: { name: data.name, checksum: data.checksum },
      place: {
        step,
        epoch: Math.ceil(step / stepsPerEpoch),
        stage: stages[current].stage,
        stageSteps: stages.map(({ step }) => step.count),
        current,
        metricsBytes: this.#log.size,
        seconds,
        rollbacks: this.#rollbacks,
      },
      parameters: parameters.all.map(({ name, shape }) => ({ name, shape, data: values.get(name)! })),
      state,
      best: this.#best,
    }, config.keep ?? 1);
    this.#savedStep = step;
  }

  /**
   * Goes back to the last checkpoint, or to the beginning if there is none and nothing has been trained: parameters,
   * optimizer, steps, metrics and the best model are again what they were then.
   *
   * @returns seconds of training until then; undefined at the beginning
   * @throws InputError if the checkpoint is damaged or of another run, or there is none to go back to
   */
  restoreCheckpoint(): number | undefined {
    const { parameters, stages, recipe, config, data } = this.#options;
    const checkpoint = readLastCheckpoint(this.#folder);
    if (!checkpoint && this.step > 0) {
      throw new InputError(`Cannot go back in "${this.#folder}": there is no checkpoint yet`);
    }
    if (checkpoint) {
      const { place, state, best } = checkpoint;
      const stored = readRun(this.#folder).config; // flags that are younger than the run have their defaults
      refuseOthers(this.#folder, checkpoint, {
        recipe,
        config: Object.fromEntries(Object.entries(learnedConfig(config)).filter(([key]) => key in stored)),
        dataset: data,
        shapes: new Map(parameters.all.map(({ name, shape }) => [name, shape])),
        stages: stages.length,
      });
      for (const { name, data } of checkpoint.parameters) parameters.write(name, data);
      for (const [k, { step }] of stages.entries()) {
        step.reset(place.stageSteps[k]);
        if (k === place.current) restore(step, state, this.#folder);
      }
      this.#savedStep = place.step;
      this.#rollbacks = place.rollbacks;
      this.#best = best;
    }
    this.#log.cut(checkpoint?.place.metricsBytes ?? 0);
    if (this.#best) this.#writeBest(this.#best);
    else removeFile(join(this.#folder, "best.safetensors"));
    return checkpoint?.place.seconds;
  }

  /**
   * Remembers that training had diverged and went back: the learning rate is half of what it was from now on.
   *
   * @param step steps done when it was noticed
   */
  halveRate(step: number): void {
    this.#rollbacks = [...this.#rollbacks, step];
  }

  /** Keeps the model as it is now as the best one, also in `best.safetensors`. */
  async keepBest({ metric, value, epoch }: BestEpoch): Promise<void> {
    const { tensors, metadata } = await this.model();
    this.#best = { tensors, metadata: { ...metadata, metric, value: String(value), epoch: String(epoch) } };
    this.#writeBest(this.#best);
  }

  #writeBest({ tensors, metadata }: StoredModel): void {
    writeSafetensors(join(this.#folder, "best.safetensors"), tensors, metadata);
  }

  /** The model as a PyTorch state_dict would name and lay it out. The bytes depend on the training alone. */
  async model(): Promise<StoredModel> {
    const { parameters, recipe, config } = this.#options;
    const values = await parameters.read();
    return {
      tensors: parameters.all.map(({ name, shape }) => ({ name, shape, data: values.get(name)! })),
      metadata: {
        recipe,
        step: String(this.step),
        config: JSON.stringify(learnedConfig(config)),
        ...(this.#rollbacks.length > 0 ? { learningRateShare: String(this.rateShare) } : {}),
      },
    };
  }

  /**
   * Refuses parameters that are not finite: nothing may be saved of them.
   *
   * @throws Diverged that names the first
   */
  async refuseNotFinite(): Promise<void> {
    const { parameters, recipe } = this.#options;
    const values = await parameters.read();
    const bad = [...values].filter(([, numbers]) => !numbers.every(Number.isFinite)).map(([name]) => name);
    if (bad.length === 0) return;
    const more = bad.length > 1 ? ` (and ${bad.length - 1} more) are` : " is";
    throw new Diverged(
      `Training of "${recipe}" diverged: parameter "${bad[0]}"${more} not finite at step ${this.step}`,
    );
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
