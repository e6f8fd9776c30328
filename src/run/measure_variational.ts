/**
 * How a variational autoencoder is measured: without noise for its codes and errors, with noise for its bound.
 * @module
 */
import type { BuildModel } from "../graph/model.ts";
import { measureLosses } from "./evaluate.ts";
import type { Measured } from "./measured.ts";
import type { BesidePytorch } from "./pytorch_figures.ts";
import { variationalRows } from "./variational.ts";

/** What {@link measureVariational} is told. */
export interface VariationalMeasure {
  /** The network whose code is its mean. */
  readonly build: BuildModel;
  /** The network as it trains, with noise; its terms are `reconstruction`, a cross-entropy per image, and `kl`. */
  readonly noisy: BuildModel;
  /** What draws images from codes of the prior. */
  readonly generator: NonNullable<Measured["generator"]>;
  /** How PyTorch's figures are worded. */
  readonly beside: BesidePytorch;
}

/** How a variational autoencoder is measured: its error from mean codes, and its bound with one draw for each image. */
export function measureVariational<M extends VariationalMeasure>(measure: M): Measured & M {
  const { noisy, beside } = measure;
  return {
    ...measure,
    total: ["reconstruction", "kl"],
    crossEntropy: { label: "reconstruction", per: "image" },
    pytorch: { error: beside("0.0092") },
    rows: async ({ gpu, parameters, data: { test, width }, result: { codes, codeSize } }) => {
      const losses = await measureLosses(gpu, noisy, parameters, test.images, width);
      return variationalRows(losses, codes, codeSize, beside);
    },
  };
}
