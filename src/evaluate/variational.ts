/**
 * Evaluation specific to variational autoencoders: samples from the prior, and the bound.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { activation } from "../layers/activation.ts";
import { noiseFor } from "../layers/noise.ts";
import type { TableRow } from "../report/results_table.ts";
import { activeUnits } from "./code_space.ts";
import { measureLosses } from "./evaluate.ts";
import { Forward } from "./forward.ts";
import type { BuildDecoder, RecipeEvaluation } from "./recipe_evaluation.ts";

/** Number of samples in each epoch's picture, and number per row. */
export const SAMPLES = 64, SAMPLE_COLUMNS = 8;

/**
 * Draws codes from the prior, the standard normal distribution; deterministic for a seed.
 *
 * @param count number of codes
 * @param codeSize number of units of a code
 * @param seed an integer in [0, 2³²)
 * @returns [count, codeSize]
 */
export function priorCodes(count: number, codeSize: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    noiseFor({ kind: "gaussian", amount: 1 }, { seed, stream: "prior" }, 0, count, codeSize),
  );
}

/**
 * Compiles the generator of images: the decoder with a sigmoid.
 *
 * @param codeSize number of units of a code
 * @param decoder adds the decoder to a graph
 */
export function compileGenerator(
  gpu: Gpu,
  parameters: Parameters,
  codeSize: number,
  decoder: BuildDecoder,
): Promise<Forward> {
  const options = { label: "generator", width: codeSize, batchSize: SAMPLES };
  return Forward.compile(
    gpu,
    parameters,
    options,
    (graph, codes) =>
      activation(graph, decoder(graph, parameters, codes), { label: "output", activation: "sigmoid" }),
  );
}

/**
 * Returns selected images as numbers in [0, 1].
 *
 * @param width number of pixels of an image
 * @param indices indices of the images
 * @returns [indices.length, width]
 */
export function imagesAt(
  { images }: Dataset["test"],
  width: number,
  indices: readonly number[],
): Float32Array<ArrayBuffer> {
  const some = new Float32Array(indices.length * width);
  const scale = images instanceof Uint8Array ? 255 : 1;
  indices.forEach((index, n) => {
    for (let k = 0; k < width; k++) some[n * width + k] = images[index * width + k] / scale;
  });
  return some;
}

/**
 * Returns the evaluation of a variational autoencoder: its error from mean codes, and its bound with one draw
 * per image.
 *
 * ```ts
 * import { dense, variationalEvaluation } from "@bottleneck/bottleneck";
 *
 * const evaluation = variationalEvaluation({
 *   codeSize: 2,
 *   decoder: (graph, parameters, z) =>
 *     dense(graph, parameters, z, {
 *       label: "decoder", outputs: 784, activation: "identity", initializer: "pytorch-linear",
 *     }),
 * }); // for `evaluation` of recipe()
 * ```
 *
 * @param generator decoder and code size; the loss terms of the network are `reconstruction`, a
 *   cross-entropy, and `kl`
 */
export function variationalEvaluation(
  generator: NonNullable<RecipeEvaluation["generator"]>,
): RecipeEvaluation {
  return {
    generator,
    hasNoise: true,
    lossUnit: "nats per image",
    total: ["reconstruction", "kl"],
    crossEntropy: { label: "reconstruction", per: "image" },
    rows: async ({ gpu, parameters, data: { test, width }, result: { codes, codeSize }, network }) => {
      const noisy = network({ purpose: "test" });
      return variationalRows(
        await measureLosses(gpu, noisy, parameters, test.images, width),
        codes,
        codeSize,
      );
    },
  };
}

/**
 * Returns rows for the results table: the two terms of the bound, their sum, and the number of active code
 * units.
 *
 * @param losses unweighted losses in nats per image: `reconstruction` and `kl`
 * @param codes mean codes of the test images, [count, codeSize]
 * @param codeSize number of units of a code
 */
function variationalRows(
  { reconstruction, kl }: Readonly<Record<string, number>>,
  codes: Float32Array,
  codeSize: number,
): TableRow[] {
  const unit = "nats per image, test images";
  return [
    { label: "reconstruction + KL", value: reconstruction + kl, digits: 2, unit },
    { label: "reconstruction", value: reconstruction, digits: 2, unit },
    { label: "KL", value: kl, digits: 2, unit },
    { label: "active code units", value: activeUnits(codes, codeSize), digits: 0, unit: `of ${codeSize}` },
  ];
}
