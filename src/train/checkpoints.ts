/**
 * Checkpoints of a run in progress: deciding when one is due, saving it, and restoring the last one.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { Diverged, InputError } from "../errors.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import { readLastCheckpoint, saveCheckpoint, type StoredModel } from "../runs/checkpoint_file.ts";
import { type CheckpointEvery, parseCheckpointEvery } from "../recipe/checkpoint_every.ts";
import type { BestEpoch } from "./early_stopping.ts";
import { learnedConfig, modelConfig, refuseOthers } from "./resume.ts";
import { writeSafetensors } from "../files/safetensors.ts";
import type { TrainedStage } from "./stages.ts";
import type { MetricsLog } from "../runs/metrics_log.ts";
import { readRun } from "../runs/run_config.ts";
import { removeFile } from "../files/write_file.ts";
import type { StepState } from "../step/step_state.ts";

/** Number of checkpoints that are kept by default: the newest, and the one before in case that the newest is damaged. */
const DEFAULT_KEEP = 2;

/** Options of {@link RunCheckpoints}. */
export interface RunCheckpointsOptions {
  readonly recipe: string;
  /** All flags, resolved. */
  readonly config: Readonly<Record<string, unknown>> & {
    readonly checkpointEvery?: string | undefined;
    readonly keep?: number | undefined;
  };
  readonly data: Pick<Dataset, "name" | "checksum">;
  readonly parameters: Parameters;
  /** The stages in order; a single one without a number if the recipe has none. */
  readonly stages: readonly TrainedStage[];
  readonly stepsPerEpoch: number;
}

/** Saves and restores the state of a run, so that it can be resumed. */
export class RunCheckpoints {
  readonly #folder: string;
  readonly #options: RunCheckpointsOptions;
  readonly #log: MetricsLog;
  readonly #every: CheckpointEvery;
  #savedStep: number | undefined;
  #rollbacks: readonly number[] = [];
  #best: StoredModel | undefined;

  constructor(folder: string, log: MetricsLog, options: RunCheckpointsOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#log = log;
    this.#every = parseCheckpointEvery(options.config.checkpointEvery);
  }

  /** Number of steps done, over all stages. */
  get step(): number {
    return this.#options.stages.reduce((sum, { step }) => sum + step.count, 0);
  }

  /** Step of the last checkpoint; undefined before the first. */
  get savedStep(): number | undefined {
    return this.#savedStep;
  }

  /** The best model so far; kept only with early stopping. */
  get best(): StoredModel | undefined {
    return this.#best;
  }

  /** Steps at which training diverged and was rolled back. */
  get rollbacks(): readonly number[] {
    return this.#rollbacks;
  }

  /** Factor of the learning rate: halved at each rollback. */
  get rateShare(): number {
    return 0.5 ** this.#rollbacks.length;
  }

  /** True if `--checkpoint-every` counts steps and a checkpoint is due after this step. */
  isDueStep(step: number): boolean {
    const { unit, count } = this.#every;
    return unit === "steps" && step % count === 0;
  }

  /** True if `--checkpoint-every` counts epochs and a checkpoint is due after this epoch. */
  isDueEpoch(epoch: number): boolean {
    const { unit, count } = this.#every;
    const before = Math.floor((this.#savedStep ?? 0) / this.#options.stepsPerEpoch);
    return unit === "epochs" && Math.floor(epoch / count) > Math.floor(before / count);
  }

  /**
   * Saves the complete state of training.
   *
   * @param seconds seconds of training so far
   * @throws InputError if the checkpoint cannot be written; earlier checkpoints are then unchanged
   */
  async save(seconds: number): Promise<void> {
    const { recipe, config, data, parameters, stages, stepsPerEpoch } = this.#options;
    const current = Math.max(0, stages.findLastIndex(({ step }) => step.count > 0));
    const step = this.step;
    const [values, state] = await Promise.all([parameters.read(), stages[current].step.readState()]);
    this.#log.sync(); // first, so that a checkpoint never refers to metrics that are not on disk
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
        metricsChecksum: this.#log.checksum,
        seconds,
        rollbacks: this.#rollbacks,
      },
      parameters: parameters.all.map(({ name, shape }) => ({ name, shape, data: values.get(name)! })),
      state,
      best: this.#best,
    }, config.keep ?? DEFAULT_KEEP);
    this.#savedStep = step;
  }

  /**
   * Restores parameters, optimizer state, step counts, metrics and the best model from the last checkpoint.
   * Without a checkpoint, and before the first step, it only clears the metrics and the best model.
   *
   * @returns seconds of training up to the checkpoint; undefined if there is none
   * @throws InputError if the checkpoint is damaged or of another run, or is missing after the first step
   */
  restoreCheckpoint(): number | undefined {
    const { parameters, stages, recipe, config, data } = this.#options;
    const checkpoint = readLastCheckpoint(this.#folder);
    if (!checkpoint && this.step > 0) {
      throw new InputError(`Cannot roll back "${this.#folder}": there is no checkpoint yet`);
    }
    if (checkpoint) {
      const { place, state, best } = checkpoint;
      const stored = readRun(this.#folder).config; // flags added since the run began have their defaults
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
    this.#log.cut(checkpoint?.place.metricsBytes ?? 0, checkpoint?.place.metricsChecksum);
    if (this.#best) this.#writeBest(this.#best);
    else removeFile(join(this.#folder, "best.safetensors"));
    return checkpoint?.place.seconds;
  }

  /** Halves the learning rate from now on, and records the step at which training diverged. */
  halveRate(step: number): void {
    this.#rollbacks = [...this.#rollbacks, step];
  }

  /** Keeps the current model as the best one and writes it to `best.safetensors`. */
  async keepBest({ metric, value, epoch }: BestEpoch): Promise<void> {
    const { tensors, metadata } = await this.model();
    this.#best = { tensors, metadata: { ...metadata, metric, value: String(value), epoch: String(epoch) } };
    this.#writeBest(this.#best);
  }

  #writeBest({ tensors, metadata }: StoredModel): void {
    writeSafetensors(join(this.#folder, "best.safetensors"), tensors, metadata);
  }

  /**
   * The current model, with tensors named and laid out as in a PyTorch `state_dict`. It is the same whatever flags that do
   * not affect learning are.
   */
  async model(): Promise<StoredModel> {
    const { parameters, recipe, config } = this.#options;
    const values = await parameters.read();
    return {
      tensors: parameters.all.map(({ name, shape }) => ({ name, shape, data: values.get(name)! })),
      metadata: {
        recipe,
        step: String(this.step),
        config: JSON.stringify(modelConfig(config)),
        ...(this.#rollbacks.length > 0 ? { learningRateShare: String(this.rateShare) } : {}),
      },
    };
  }

  /**
   * Refuses parameters that are not finite, which must not be saved.
   *
   * @throws Diverged naming the first such parameter
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
