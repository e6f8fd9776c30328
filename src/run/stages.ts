/**
 * Training layer by layer: the flags of the recipes that do, and the stages that follow from them.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile, type Optimizer } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameter, Parameters } from "../graph/parameters.ts";
import { formatPlan } from "../graph/plan.ts";
import type { LossReading, Step } from "../graph/step.ts";
import { type DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import type { TableRow } from "../report/closing_table.ts";
import { type Flag, flag, integers, toggle } from "./flag_kinds.ts";

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
    sizes: integers(sizes, "widths from pixels to code; the decoder mirrors them", { min: 1 }, 2),
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
  if (endToEnd) return [{ label: "end to end", epochs }];
  return stages.map((epochs, stage) => ({ label: `stage ${stage}`, stage, epochs }));
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

/**
 * The widths for images of `width` pixels. What the user did not choose follows the images.
 *
 * @param sizes the flag's value
 * @param defaults the flag's default
 * @param width pixels of an image
 * @throws InputError if the user chose another width than the images have
 */
export function sizesFor(sizes: readonly number[], defaults: readonly number[], width: number): number[] {
  if (sizes[0] !== width && sizes.join() !== defaults.join()) {
    throw new InputError(
      `Cannot use --sizes ${sizes}: expected the images' ${width} pixels first but received ${sizes[0]}`,
    );
  }
  return [width, ...sizes.slice(1)];
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
  /** Whether a stage trains only the layer that it adds. */
  readonly freeze: boolean;
  /** What will free the steps. */
  readonly owned: DisposableStack;
  /** The network of a stage, or of all at once. */
  readonly build: (stage: number | undefined) => BuildModel;
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
  { gpu, images, parameters, batchSize, optimizer, freeze, owned, build }: CompileStagesOptions,
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
    const options = { label: stage.label, losses, trainable, optimizer };
    compiled.push({ ...stage, step: owned.use(await compile(gpu, graph, parameters, options)) });
  }
  return compiled;
}

/** The plans of all stages, each under the stage's name. */
export function formatPlans(stages: readonly CompiledStage[]): string {
  return stages.map(({ label, step }) => `${label}\n${formatPlan(step)}`).join("\n");
}

/**
 * A row for what a stage ended at.
 *
 * @param label the stage's
 * @param value its mean loss over its last epoch
 * @param unit which loss
 * @param pytorch what PyTorch's ended at on MNIST, with the default flags; undefined if nobody measured that
 */
export function stageRow(label: string, value: number, unit: string, pytorch: string | undefined): TableRow {
  const beside = pytorch === undefined ? "" : `; PyTorch on MNIST, default flags: ${pytorch}`;
  return { label: `${label}, last epoch`, value, digits: 5, unit: `${unit}${beside}` };
}

/** Mean losses over the latest epoch, from readings that are taken more often: the mean over its batches. */
export class EpochLosses {
  #epoch = NaN;
  #steps = 0;
  #sums: Record<string, number> = {};

  /** Adds a reading; the first one of another epoch starts over. */
  add(epoch: number, { steps, values }: Pick<LossReading, "steps" | "values">): void {
    if (epoch !== this.#epoch) [this.#epoch, this.#steps, this.#sums] = [epoch, 0, {}];
    this.#steps += steps;
    for (const [label, series] of Object.entries(values)) {
      this.#sums[label] = series.reduce((sum, loss) => sum + loss, this.#sums[label] ?? 0);
    }
  }

  /** The means so far, by the terms' labels; without their weights. */
  get mean(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.#sums).map(([label, sum]) => [label, sum / this.#steps]));
  }
}
