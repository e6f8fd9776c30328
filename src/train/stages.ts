/**
 * Training layer by layer: compiling a step for each stage.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameter, Parameters } from "../graph/parameters.ts";
import { formatPlan } from "../graph/plan.ts";
import type { Step } from "../graph/step.ts";
import type { Stage } from "../recipe/stage_flags.ts";
import { type DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import type { GradientClip, Optimizer } from "../graph/update.ts";

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
