/**
 * Watching the tensors that are trained: at chosen steps the norms of each one's gradient and weights, how far the
 * update moved it, and whether all of its numbers are finite. Training does not depend on it.
 * @module
 */
import watchCode from "../../shaders/optim/watch.wgsl" with { type: "text" };
import type { Parameter } from "./parameters.ts";
import type { Dispatch, Tensor } from "./tensor.ts";
import type { Shader } from "../gpu/shader.ts";

/** What a trained tensor is like after a step. */
export interface TensorFigures {
  /** The parameter's name. */
  readonly name: string;
  /** The norm of its gradient, before clipping. */
  readonly gradientNorm: number;
  /** The norm of its values after the update. */
  readonly weightNorm: number;
  /** The norm of what the update changed, divided by `weightNorm`; 0 if nothing changed. About 1e-3 is usual. */
  readonly updateRatio: number;
}

/** {@link TensorFigures}, and how many numbers are none. */
export interface WatchedTensor extends TensorFigures {
  /** Numbers of the gradient that are NaN or infinite. */
  readonly badGradients: number;
  /** Numbers of the parameter that are NaN or infinite. */
  readonly badWeights: number;
}

const WATCH: Shader = { path: "shaders/optim/watch.wgsl", code: watchCode };
/** Invocations that share a tensor; each leaves one set of sums. */
const PARTIAL_LANES = 1024;
/** Floats of a set of sums: at three scales, of gradient, weights and change, and a count. */
const SUMS = 12;
/** The scales of {@link SUMS}, in their order. */
const SCALES = [2 ** 60, 1, 2 ** -80];

/** Where a parameter's values, gradients and earlier values lie, and what names them. */
export type SlotOf = (arena: "gradient" | "weights" | "weights before", parameter: Parameter) => Tensor;

/**
 * The dispatches that sum up what is watched: one for each tensor, and one for all of them.
 *
 * @param trainable the tensors
 * @param slotOf where they lie
 * @param sums where it goes: {@link watchBytes}
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

/** Bytes of the sums of so many tensors. */
export function watchBytes(tensors: number): number {
  return 4 * SUMS * tensors;
}

/**
 * Figures from the sums that {@link watchDispatches} left.
 *
 * @param trainable the tensors
 * @param sums what was read back
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
