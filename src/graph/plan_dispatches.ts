/**
 * Deciding what a step dispatches before its update.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Graph, LossTerm, Node } from "./graph.ts";
import { LOSS_RING, totalOf } from "./loss_ring.ts";
import type { Parameter } from "./parameters.ts";
import { planGradients, reachable } from "./plan_gradients.ts";
import type { Dispatch, Tensor, Value } from "./tensor.ts";
import type { GradientClip, Optimizer } from "./update.ts";

/** What a step is to do. */
export interface CompileOptions {
  /** The step's name in errors. */
  readonly label: string;
  /** The terms of the total loss. */
  readonly losses?: readonly LossTerm[];
  /** Values that will be read, and must be computed even if no loss needs them. */
  readonly outputs?: readonly Value[];
  /** Values that are not computed but uploaded, as inputs are: they keep what they are given. */
  readonly frozenValues?: readonly Value[];
  /** Parameters that get a gradient. */
  readonly trainable?: readonly Parameter[];
  /** Values whose gradient will be read. */
  readonly gradients?: readonly Value[];
  /** The rule that updates the trainable parameters; without one only gradients are computed. */
  readonly optimizer?: Optimizer;
  /** How gradients are clipped before the optimizer uses them; not at all if absent, or without an optimizer. */
  readonly clip?: GradientClip | undefined;
  /**
   * At which steps, counted from 1, the trained tensors are watched: those after which losses will be read, as
   * `LossReading.tensors` and what is not finite in them come with that reading. At none if absent, or without
   * an optimizer.
   */
  readonly watch?: ((index: number) => boolean) | undefined;
}

/** What a step runs before the update of its parameters. */
export interface PlannedDispatches {
  /** The nodes that it needs, in recorded order. */
  readonly used: readonly Node[];
  /** Where the losses go. */
  readonly ring: Tensor;
  /** Forward, backward, and the totals of the losses. */
  readonly dispatches: Dispatch[];
}

/**
 * Decides what a step dispatches before its update. Nothing is compiled, and nothing is made on the GPU.
 *
 * @throws TypeError if a trainable parameter is used by no loss
 */
export function planDispatches(gpu: Gpu, graph: Graph, options: CompileOptions): PlannedDispatches {
  const { losses = [], outputs = [], frozenValues = [], trainable = [], gradients = [], label } = options;
  const used = reachable(graph, losses, outputs, frozenValues);
  const requests = planGradients(used, losses, trainable, gradients);
  const updated = new Set<Parameter>();
  for (const [node, request] of requests) {
    node.parameters.forEach((parameter, at) =>
      request.parameters[at] !== undefined && updated.add(parameter)
    );
  }
  for (const parameter of trainable) {
    if (!updated.has(parameter)) {
      throw new TypeError(`Cannot train "${parameter.name}" in ${label}: no loss depends on it`);
    }
  }

  const ring: Tensor = { name: "losses", bytes: 4 * LOSS_RING * Math.max(1, losses.length) };
  const dispatches: Dispatch[] = [];
  for (const node of used) dispatches.push(...node.forward(gpu, requests.get(node)));
  for (const node of used.toReversed()) {
    const request = requests.get(node);
    if (request) dispatches.push(...node.backward(gpu, request));
  }
  losses.forEach((term, at) => dispatches.push(totalOf(term, at, losses.length, ring)));
  return { used, ring, dispatches };
}
