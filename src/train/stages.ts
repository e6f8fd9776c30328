/**
 * Layer-wise training: compiles a training step for each stage.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameter, Parameters } from "../graph/parameters.ts";
import { formatPlan } from "../step/plan.ts";
import type { Step } from "../step/step.ts";
import type { Stage } from "../recipe/stage_flags.ts";
import { type DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import type { GradientClip, Optimizer } from "../step/update.ts";

/**
 * Returns the trainable parameters of a stage: all that its graph uses, or, with `freeze`, only those of its
 * new layer.
 *
 * @param graph graph of the stage; the parameters of layer k are named `ae.k.…`
 * @param stage index of the layer that the stage adds; absent if all layers are trained at once
 * @param freeze true to keep earlier layers fixed
 */
export function trainableIn(graph: Graph, stage: number | undefined, freeze: boolean): Parameter[] {
  const used = graph.nodes.flatMap(({ parameters }) => parameters);
  return freeze ? used.filter(({ name }) => name.startsWith(`ae.${stage}.`)) : used;
}

/** Options of {@link compileStages}. */
export interface CompileStagesOptions {
  readonly gpu: Gpu;
  /** The training images. */
  readonly images: DeviceImages;
  /** Parameters of all stages. */
  readonly parameters: Parameters;
  /** Number of images per step. */
  readonly batchSize: number;
  readonly optimizer: Optimizer;
  /** Gradient clipping; none if absent. */
  readonly clip?: GradientClip | undefined;
  /** Returns a predicate on the steps of a stage, counted from 1: true if the step watches its tensors. */
  readonly watch: (stage: Stage) => (index: number) => boolean;
  /** True if a stage trains only the layer that it adds. */
  readonly freeze: boolean;
  /** Owner of the compiled steps. */
  readonly owned: DisposableStack;
  /** Returns the model of a stage, or of all layers at once. */
  readonly build: (stage: number | undefined) => BuildModel;
}

/** One stage of training, or all of training if there are no stages. */
export interface TrainedStage {
  /** Number of the stage; absent without stages. */
  readonly stage?: number | undefined;
  /** The training step. */
  readonly step: Step;
  /** Number of times to run the step. */
  readonly steps: number;
}

/** A stage with its compiled training step. */
export interface CompiledStage extends Stage {
  /** The training step. It owns the optimizer's state, which each stage therefore starts anew. */
  readonly step: Step;
}

/**
 * Builds the graphs of all stages, then compiles those that have epochs. The first compilation lays out the
 * parameters, so all graphs must exist by then.
 *
 * @param stages stages from {@link planStages}
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

/** Formats the plans of all stages, each below the stage's label. */
export function formatPlans(stages: readonly CompiledStage[]): string {
  return stages.map(({ label, step }) => `${label}\n${formatPlan(step)}`).join("\n");
}
