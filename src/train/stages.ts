/**
 * Training layer by layer: the flags of the recipes that do, and the stages that follow from them.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile, type GradientClip, type Optimizer } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameter, Parameters } from "../graph/parameters.ts";
import { formatPlan } from "../graph/plan.ts";
import type { Step } from "../graph/step.ts";
import { type DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { type Flag, flag, integers, toggle } from "../recipe/flag_kinds.ts";
import { lastEpoch } from "../evaluate/last_epoch.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import { sizesFlag } from "../recipe/sizes.ts";

/** The flags of the recipes that train layer by layer. */
export interface StageFlags {
  /** Widths from pixels to code. */
  readonly sizes: Flag<readonly number[]>;
  /** Epochs of each stage. */
  readonly stages: Flag<readonly number[]>;
  /** Whether only the new layer learns. */
  readonly freeze: Flag<boolean>;
  /** Whether everything is trained at once. */
  readonly endToEnd: Flag<boolean>;
}

/**
 * The flags of the recipes that train layer by layer, with the recipe's own defaults.
 *
 * @param sizes widths from pixels to code
 * @param stages epochs of each stage
 */
export function stageFlags(sizes: readonly number[], stages: readonly number[]): StageFlags {
  return {
    sizes: sizesFlag(sizes),
    stages: integers(stages, "epochs of each stage, one stage for each layer; 0 leaves it out", { min: 0 }),
    freeze: toggle(false, "in each stage train its own two matrices only, not those of earlier stages"),
    endToEnd: flag("train all layers at once, for as many epochs as the stages have together"),
  };
}

/** A stage of training. */
export interface Stage {
  /** Its name. */
  readonly label: string;
  /** The innermost layer that it uses, from 0; absent for all layers at once. */
  readonly stage?: number;
  /** Passes over the images. */
  readonly epochs: number;
}

/**
 * The stages in their order; those without epochs are there too, as their layers exist.
 *
 * @throws InputError if there are not as many stages as layers, or nothing is to be done, or everything at once is to
 *   leave something frozen
 */
export function planStages(
  { sizes, stages, freeze, endToEnd }: { readonly [K in keyof StageFlags]: StageFlags[K]["defaultValue"] },
): Stage[] {
  const layers = sizes.length - 1;
  if (stages.length !== layers) {
    throw new InputError(
      `Cannot train stages ${stages}: expected ${layers} numbers of epochs, one for each layer of ${sizes}, ` +
        `but received ${stages.length}; use --stages`,
    );
  }
  const epochs = stages.reduce((sum, some) => sum + some, 0);
  if (epochs === 0) throw new InputError(`Cannot train stages ${stages}: expected at least one epoch in all`);
  if (endToEnd && freeze) {
    throw new InputError("Cannot train end to end with --freeze: no layer is trained before the others");
  }
  if (endToEnd) return [{ ...nameOf(undefined), epochs }];
  return stages.map((epochs, stage) => ({ ...nameOf(stage), epochs }));
}

/**
 * What a stage trains: all that it uses, or, frozen, only the layer that it adds.
 *
 * @param graph the stage's; the parameters of layer k are called `ae.k.…`
 * @param stage the layer that it adds; absent for all at once
 * @param freeze whether earlier layers keep still
 */
export function trainableIn(graph: Graph, stage: number | undefined, freeze: boolean): Parameter[] {
  const used = graph.nodes.flatMap(({ parameters }) => parameters);
  return freeze ? used.filter(({ name }) => name.startsWith(`ae.${stage}.`)) : used;
}

/** What stages are compiled from. */
export interface CompileStagesOptions {
  /** The device. */
  readonly gpu: Gpu;
  /** The training images. */
  readonly images: DeviceImages;
  /** The parameters of all stages. */
  readonly parameters: Parameters;
  /** Images per step. */
  readonly batchSize: number;
  /** The rule of every stage. */
  readonly optimizer: Optimizer;
  /** How gradients are clipped; not at all if absent. */
  readonly clip?: GradientClip | undefined;
  /** At which steps of a stage, counted from 1, its tensors are watched. */
  readonly watch: (stage: Stage) => (index: number) => boolean;
  /** Whether a stage trains only the layer that it adds. */
  readonly freeze: boolean;
  /** What will free the steps. */
  readonly owned: DisposableStack;
  /** The network of a stage, or of all at once. */
  readonly build: (stage: number | undefined) => BuildModel;
}

/** A part of a training: one stage, or all of it. */
export interface TrainedStage {
  /** The stage's number, if there are stages. */
  readonly stage?: number | undefined;
  /** What is run again and again. */
  readonly step: Step;
  /** How often. */
  readonly steps: number;
}

/** A stage, ready to be run. */
export interface CompiledStage extends Stage {
  /** One step of it. The optimizer's state is the step's own: it starts afresh with every stage. */
  readonly step: Step;
}

/**
 * Records the networks of all stages, and then compiles those that have epochs: parameters are laid out when the first
 * one is compiled, so that all of them must be known by then.
 *
 * @param stages what {@link planStages} gave
 */
export async function compileStages(
  stages: readonly Stage[],
  { gpu, images, parameters, batchSize, optimizer, clip, watch, freeze, owned, build }: CompileStagesOptions,
): Promise<CompiledStage[]> {
  const recorded = stages.map((stage) => {
    const graph = new Graph(batchSize);
    const { losses } = build(stage.stage)(graph, parameters, gatherBatch(graph, "pixels", images));
    return { stage, graph, losses };
  });
  const compiled: CompiledStage[] = [];
  for (const { stage, graph, losses } of recorded) {
    if (stage.epochs === 0) continue;
    const trainable = trainableIn(graph, stage.stage, freeze);
    const options = { label: stage.label, losses, trainable, optimizer, clip, watch: watch(stage) };
    compiled.push({ ...stage, step: owned.use(await compile(gpu, graph, parameters, options)) });
  }
  return compiled;
}

/** The plans of all stages, each under the stage's name. */
export function formatPlans(stages: readonly CompiledStage[]): string {
  return stages.map(({ label, step }) => `${label}\n${formatPlan(step)}`).join("\n");
}

/** What a stage ended at. */
export interface StageEnd extends Pick<Stage, "label" | "stage"> {
  /** Mean losses over its last epoch, by the terms' labels, without weights. */
  readonly losses: Readonly<Record<string, number>>;
}

/** What the stages of a run ended at, as far as they were trained, from the lines that training filed. */
export function stageEnds(metrics: readonly MetricsRecord[]): StageEnd[] {
  const reported = metrics.filter((line) => "step" in line);
  const stages = new Set(reported.map(({ stage }) => stage === undefined ? undefined : Number(stage)));
  return [...stages].map((stage) => ({ ...nameOf(stage), losses: lastEpoch(metrics, stage) }));
}

function nameOf(stage: number | undefined): Pick<Stage, "label" | "stage"> {
  return stage === undefined ? { label: "end to end" } : { label: `stage ${stage}`, stage };
}
