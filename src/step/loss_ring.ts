/**
 * The ring buffer on the GPU that keeps the losses of a step's latest runs, and the readings taken from it.
 * @module
 */
import totalCode from "../../shaders/losses/total.wgsl" with { type: "text" };
import type { Shader } from "../gpu/shader.ts";
import { LOSS_CHUNKS, type LossTerm } from "../graph/graph.ts";
import type { Dispatch, Tensor } from "../graph/tensor.ts";
import type { TensorFigures } from "./tensor_stats.ts";

/** Number of steps whose losses are kept on the GPU until they are read. */
export const LOSS_RING = 1024;

const TOTAL: Shader = { path: "shaders/losses/total.wgsl", code: totalCode };

/** Terms per dispatch of {@link totalsOf}: WebGPU's eight storage buffers, less the ring, the settings and the step. */
const TERMS_AT_ONCE = 4;
/** Invocations of the workgroup that adds a term. */
const TOTAL_INVOCATIONS = 64;

/** Creates the dispatches that add up the partial sums of the terms, four at once, and store them in the ring. */
export function totalsOf(terms: readonly LossTerm[], ring: Tensor): Dispatch[] {
  return Array.from({ length: Math.ceil(terms.length / TERMS_AT_ONCE) }, (_, k): Dispatch => {
    const first = TERMS_AT_ONCE * k, these = terms.slice(first, first + TERMS_AT_ONCE);
    return {
      label: `${these.map(({ label }) => label).join(" and ")} total`,
      shader: TOTAL,
      entryPoint: "loss_total",
      constants: { CHUNKS: LOSS_CHUNKS, RING: LOSS_RING, TERMS: these.length },
      reads: Array.from({ length: TERMS_AT_ONCE }, (_, at) => these[at]?.partial),
      writes: [ring],
      settings: { u32: { first, terms: terms.length } },
      invocations: TOTAL_INVOCATIONS * these.length,
      workgroupSize: TOTAL_INVOCATIONS,
    };
  });
}

/** Losses of the steps since the previous reading. */
export interface LossReading {
  /** Number of steps. */
  readonly steps: number;
  /** Total number of rows of these steps. */
  readonly rows: number;
  /** Values of each term, one per step, keyed by the term's label, without the term's weight. */
  readonly values: Readonly<Record<string, Float32Array>>;
  /** Mean of each term over the steps; NaN if there were none. */
  readonly mean: Readonly<Record<string, number>>;
  /** Gradient norm over all trainable parameters before clipping, one per step; absent without clipping. */
  readonly gradientNorms?: Float32Array;
  /** Trained tensors after the latest step; absent unless that step was watched (`CompileOptions.watch`). */
  readonly tensors?: readonly TensorFigures[];
}

/**
 * Returns the reading with means per image instead of per step, for terms with the reduction `sum`. The means
 * are exact even if batches have different numbers of rows.
 *
 * ```ts
 * import { perImage } from "@bottleneck/bottleneck";
 *
 * const reading = { steps: 2, rows: 5, values: { kl: Float32Array.of(6, 4) }, mean: { kl: 5 } };
 * console.log(perImage(reading).mean.kl); // 2: (6 + 4) / 5
 * ```
 */
export function perImage(reading: LossReading): LossReading {
  const { rows, values } = reading;
  const mean = Object.fromEntries(
    Object.entries(values).map(([label, sums]) => [label, sums.reduce((a, b) => a + b, 0) / rows]),
  );
  return { ...reading, mean };
}
