/**
 * Statistics of the trained tensors: norms of gradient and weights, relative size of the update, and a count of NaN
 * and infinities, which are found by their bits. Training does not depend on them.
 * @module
 */
import watchCode from "../../shaders/optim/watch.wgsl" with { type: "text" };
import type { Parameter } from "../graph/parameters.ts";
import type { Dispatch, Tensor } from "../graph/tensor.ts";
import type { Shader } from "../gpu/shader.ts";

/** Statistics of a trained tensor after a step. */
export interface TensorFigures {
  /** The parameter's name. */
  readonly name: string;
  /** L2 norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  /** L2 norm of the values after the update. */
  readonly weightNorm: number;
  /** L2 norm of the update, divided by `weightNorm`; 0 if nothing changed. About 1e-3 is typical. */
  readonly updateRatio: number;
}

/** {@link TensorFigures} with counts of numbers that are not finite. */
export interface WatchedTensor extends TensorFigures {
  /** Number of NaN and infinite elements of the gradient. */
  readonly badGradients: number;
  /** Number of NaN and infinite elements of the parameter. */
  readonly badWeights: number;
}

const WATCH: Shader = { path: "shaders/optim/watch.wgsl", code: watchCode };
/** Number of invocations per tensor; each writes one set of sums. */
const PARTIAL_LANES = 1024;
/** Floats per set: at each of three scales, sums of squares of gradient, weights and change, and a count. */
const SUMS = 12;
/** Scales of the sums, in order. */
const SCALES = [2 ** 60, 1, 2 ** -80];

/** Returns the tensor of a parameter's gradient, values, or values before the step. */
export type SlotOf = (arena: "gradient" | "weights" | "weights before", parameter: Parameter) => Tensor;

/**
 * Creates the dispatches that compute the statistics: one for each tensor, and one for all of them.
 *
 * @param trainable the trained parameters
 * @param slotOf returns their tensors
 * @param sums receives the sums; its size is {@link watchBytes}
 */
export function watchDispatches(trainable: readonly Parameter[], slotOf: SlotOf, sums: Tensor): Dispatch[] {
  const partial: Tensor = {
    name: "partial sums of what is watched",
    bytes: 4 * SUMS * PARTIAL_LANES * trainable.length,
  };
  const partials = trainable.map((parameter, tensor): Dispatch => ({
    label: `watch ${parameter.name}`,
    shader: WATCH,
    entryPoint: "watch_partial",
    reads: [
      slotOf("gradient", parameter),
      slotOf("weights", parameter),
      slotOf("weights before", parameter),
    ],
    writes: [partial],
    settings: { u32: { count: parameter.bytes / 16, invocations: PARTIAL_LANES, tensor } },
    invocations: PARTIAL_LANES,
    workgroupSize: 64,
  }));
  return [...partials, {
    label: "watched tensors",
    shader: WATCH,
    entryPoint: "watch_total",
    reads: [partial],
    writes: [sums],
    settings: { u32: { invocations: PARTIAL_LANES } },
    invocations: 64 * trainable.length,
    workgroupSize: 64,
  }];
}

/** Size in bytes of the sums of `tensors` tensors. */
export function watchBytes(tensors: number): number {
  return 4 * SUMS * tensors;
}

/**
 * Computes the statistics from the sums that {@link watchDispatches} wrote.
 *
 * @param trainable the trained parameters
 * @param sums the sums, read back
 */
export function watchedTensors(trainable: readonly Parameter[], sums: Float32Array): WatchedTensor[] {
  return trainable.map(({ name }, tensor) => {
    const at = (scale: number, part: number) => sums[SUMS * tensor + 4 * scale + part];
    const norm = (part: number): number => {
      const plain = at(1, part);
      const scale = plain < 2 ** -60 ? 0 : plain < 2 ** 120 ? 1 : 2;
      return Math.sqrt(at(scale, part)) / SCALES[scale];
    };
    const [gradientNorm, weightNorm, change] = [norm(0), norm(1), norm(2)];
    return {
      name,
      gradientNorm,
      weightNorm,
      updateRatio: change === 0 ? 0 : change / weightNorm,
      badGradients: at(0, 3),
      badWeights: at(1, 3),
    };
  });
}
