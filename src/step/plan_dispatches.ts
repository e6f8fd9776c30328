/**
 * Plans the dispatches of a step that precede its update.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Graph, LossTerm, Node } from "../graph/graph.ts";
import { fuseLayers } from "./fuse_layers.ts";
import type { Places } from "./fused_dispatches.ts";
import { LOSS_RING, totalsOf } from "./loss_ring.ts";
import type { Parameter } from "../graph/parameters.ts";
import { planGradients, reachable } from "./plan_gradients.ts";
import type { Dispatch, Tensor, Value } from "../graph/tensor.ts";
import type { GradientClip, Optimizer } from "./update.ts";

/** Options of `compile`. */
export interface CompileOptions {
  /** The step's name in errors. */
  readonly label: string;
  /** Terms of the total loss. */
  readonly losses?: readonly LossTerm[];
  /** Values to read back, computed even if no loss needs them. */
  readonly outputs?: readonly Value[];
  /** Values that are uploaded like inputs instead of computed. */
  readonly frozenValues?: readonly Value[];
  /** Parameters whose gradients are computed, and which the optimizer updates. */
  readonly trainable?: readonly Parameter[];
  /** Values whose gradients are to be read back. */
  readonly gradients?: readonly Value[];
  /** Update rule of the trainable parameters; if absent, only gradients are computed. */
  readonly optimizer?: Optimizer;
  /** Gradient clipping before the update; none if absent, or without an optimizer. */
  readonly clip?: GradientClip | undefined;
  /**
   * Returns true for steps, counted from 1, at which the trained tensors are watched. Watch the steps after
   * which losses are read: the reading then has `LossReading.tensors`. No step is watched if absent, or without
   * an optimizer. With one, every reading checks gradients and parameters for NaN and infinity, watched or not.
   */
  readonly watch?: ((index: number) => boolean) | undefined;
}

/** Dispatches of a step that precede the update. */
export interface PlannedDispatches {
  /** Nodes that the step needs, in recorded order. */
  readonly used: readonly Node[];
  /** Ring buffer of the losses. */
  readonly ring: Tensor;
  /** Dispatches of the forward pass, the backward pass, and the totals of the losses. */
  readonly dispatches: Dispatch[];
  /** Tensors that fused dispatches have in an arena, and where. */
  readonly places: Places;
}

/**
 * Plans the dispatches of a step that precede its update. Compiles nothing, and creates nothing on the GPU.
 *
 * @throws TypeError if no loss depends on a trainable parameter
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
  const { dispatches: fused, places } = fuseLayers(gpu, graph, used, frozenValues, dispatches);
  fused.push(...totalsOf(losses, ring));
  return { used, ring, dispatches: fused, places };
}
