/**
 * The losses of a step's latest runs: where they are filed on the GPU, and what is read of them.
 * @module
 */
import totalCode from "../../shaders/losses/total.wgsl" with { type: "text" };
import type { Shader } from "../gpu/shader.ts";
import { LOSS_CHUNKS, type LossTerm } from "./graph.ts";
import type { Dispatch, Tensor } from "./tensor.ts";
import type { TensorFigures } from "./tensor_stats.ts";

/** Steps whose losses are kept on the GPU until they are read. */
export const LOSS_RING = 1024;

const TOTAL: Shader = { path: "shaders/losses/total.wgsl", code: totalCode };

/** The dispatch that adds up the parts of one term, and files the sum. */
export function totalOf(term: LossTerm, at: number, terms: number, ring: Tensor): Dispatch {
  return {
    label: `${term.label} total`,
    shader: TOTAL,
    entryPoint: "loss_total",
    constants: { CHUNKS: LOSS_CHUNKS, RING: LOSS_RING },
    reads: [term.partial],
    writes: [ring],
    settings: { u32: { term: at, terms } },
    invocations: 1,
    workgroupSize: 64,
  };
}

/** The losses of the steps since the last reading. */
export interface LossReading {
  /** How many steps there were. */
  readonly steps: number;
  /** How many rows they had together. */
  readonly rows: number;
  /** Each term's values by the term's label, one a step, without the term's weight. */
  readonly values: Readonly<Record<string, Float32Array>>;
  /** Each term's mean over these steps; NaN if there were none. */
  readonly mean: Readonly<Record<string, number>>;
  /** The gradients' norm over all trainable parameters before clipping, one a step; absent without clipping. */
  readonly gradientNorms?: Float32Array;
  /** The trained tensors after the latest step; absent unless that step was watched (`CompileOptions.watch`). */
  readonly tensors?: readonly TensorFigures[];
}

/**
 * The same reading with each mean over images instead of steps, for terms that are sums over their batch: what they
 * are per image, also if the batches have different numbers of rows.
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
