/**
 * What only variational autoencoders show: draws from the prior, and how far their bound is from the data.
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

/** How many draws from the prior each epoch's picture shows, and how many stand in a row. */
export const SAMPLES = 64, SAMPLE_COLUMNS = 8;

/**
 * Codes drawn from the prior, the standard normal distribution: equal seeds are equal codes.
 *
 * @param count how many
 * @param codeSize numbers in a code
 * @param seed an integer in [0, 2³²)
 * @returns [count, codeSize]
 */
export function priorCodes(count: number, codeSize: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    noiseFor({ kind: "gaussian", amount: 1 }, { seed, stream: "prior" }, 0, count, codeSize),
  );
}

/**
 * Compiles what draws images: the decoder and its sigmoid.
 *
 * @param codeSize numbers in a code
 * @param decoder records the decoder
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
 * Some images as numbers in [0, 1].
 *
 * @param width pixels of an image
 * @param indices which, each below the number of images
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
 * How a variational autoencoder is measured: its error from mean codes, and its bound with one draw for each image.
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
 * @param generator what draws images from codes; its network's terms are `reconstruction`, a cross-entropy, and `kl`
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
 * The rows of the results table: the bound's two terms and their sum, and how many code units are active.
 *
 * @param losses nats per image, without weights: `reconstruction` and `kl`
 * @param codes mean codes of the test images, [count, codeSize]
 * @param codeSize numbers in a code
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
