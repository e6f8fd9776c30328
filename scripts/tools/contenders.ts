// The recipes as compare_recipes.ts trains them: at their scripts' defaults, but basic, which learns one batch by heart:
// here it is --full-data --learning-rate 1e-3.
import type { Dataset } from "../../src/data/dataset.ts";
import { meanImage } from "../../src/data/mean_image.ts";
import type { Optimizer } from "../../src/graph/compile.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { addNoise, parseNoise } from "../../src/layers/noise.ts";
import { adam } from "../../src/optim/adam.ts";
import * as basic from "../basic.ts";
import * as deep from "../deep.ts";
import * as denoising from "../denoising.ts";
import * as matched from "../matched.ts";
import * as sparse from "../sparse.ts";
import * as stacked from "../stacked.ts";
import * as tied from "../tied.ts";
import * as vae from "../vae.ts";

/** A recipe as it takes part in the comparison. */
export interface Contender {
  /** Images per step. */
  readonly batchSize: number;
  /** The rule of every stage. */
  readonly optimizer: Optimizer;
  /** What is trained one after the other, and for which share of the whole: one stage, but for layer-wise training. */
  readonly stages: readonly { readonly epochs: number; readonly build: BuildModel }[];
  /** What is measured. */
  readonly measured: BuildModel;
  /** What the recipe's own loss is measured in. */
  readonly unit: string;
  /** Whether the loss is a sum over its batch, and so to be divided by its rows. */
  readonly isPerImage?: boolean;
}

/**
 * All recipes, for images of the data's width.
 *
 * @param data what the recipes will be trained on
 * @param seed seed of their noise
 */
export function contenders({ width, train }: Dataset, seed: number): Readonly<Record<string, Contender>> {
  const fit = <A extends { readonly sizes: readonly number[] }>(architecture: A): A => ({
    ...architecture,
    sizes: [width, ...architecture.sizes.slice(1)],
  });
  const common = (
    { batchSize }: { readonly batchSize: { readonly defaultValue: number } },
    learningRate: number,
    epsilon?: number,
  ) => ({
    batchSize: batchSize.defaultValue,
    optimizer: adam({ learningRate, ...(epsilon === undefined ? {} : { epsilon }) }),
    unit: "squared error per pixel",
  });
  const whole = (build: BuildModel, measured = build) => ({ stages: [{ epochs: 1, build }], measured });
  const layerwise = (
    architecture: typeof stacked.ARCHITECTURE,
    epochs: readonly number[],
    more: (stage: number) => Partial<stacked.LayerwiseOptions>,
  ) => ({
    stages: epochs.map((epochs, stage) => ({
      epochs,
      build:
        ((g, p, x) => stacked.model(g, p, x, { ...fit(architecture), ...more(stage), stage })) as BuildModel,
    })),
    measured: ((g, p, x) => stacked.model(g, p, x, fit(architecture))) as BuildModel,
  });
  const noise = parseNoise(denoising.flags.noise.defaultValue);
  const noisy = (stage: number): Partial<stacked.LayerwiseOptions> => ({
    corrupt: (graph, x) =>
      addNoise(graph, x, { label: "noisy pixels", noise, seed, stream: `stage ${stage}` }),
  });
  const sparsity = { rho: sparse.flags.rho.defaultValue, weight: sparse.flags.sparsityWeight.defaultValue };
  const mean = meanImage(train.images, width);
  return {
    basic: {
      ...common(basic.flags, 1e-3),
      ...whole((g, p, x) => basic.model(g, p, x, fit(basic.ARCHITECTURE))),
    },
    deep: {
      ...common(deep.flags, deep.flags.learningRate.defaultValue),
      ...whole((g, p, x) => deep.model(g, p, x, fit(deep.ARCHITECTURE))),
    },
    stacked: {
      ...common(stacked.flags, stacked.flags.learningRate.defaultValue),
      ...layerwise(stacked.ARCHITECTURE, stacked.flags.stages.defaultValue, () => ({})),
    },
    denoising: {
      ...common(denoising.flags, denoising.flags.learningRate.defaultValue),
      ...layerwise(stacked.ARCHITECTURE, denoising.flags.stages.defaultValue, noisy),
    },
    sparse: {
      ...common(sparse.flags, sparse.flags.learningRate.defaultValue),
      ...layerwise(sparse.ARCHITECTURE, sparse.flags.stages.defaultValue, (k) => ({ ...noisy(k), sparsity })),
      unit: `squared error per pixel + ${sparsity.weight}·KL`,
    },
    tied: {
      ...common(tied.flags, tied.flags.learningRate.defaultValue),
      ...whole((g, p, x) => tied.model(g, p, x, mean, fit(tied.ARCHITECTURE))),
      unit: "squared error per image",
      isPerImage: true,
    },
    vae: {
      ...common(vae.flags, vae.flags.learningRate.defaultValue),
      ...whole(
        (g, p, x) => vae.model(g, p, x, { seed }, fit(vae.ARCHITECTURE)),
        (g, p, x) => vae.model(g, p, x, "mean", fit(vae.ARCHITECTURE)),
      ),
      unit: "nats per image",
      isPerImage: true,
    },
    matched: {
      ...common(matched.flags, matched.RATES[matched.ARCHITECTURE.match], 1e-7),
      ...whole((g, p, x) => matched.model(g, p, x, fit(matched.ARCHITECTURE))),
      unit: "squared errors, sum of levels",
    },
  };
}
