/**
 * What only variational autoencoders show: draws from the prior, and how far their bound is from the data.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Value } from "../graph/tensor.ts";
import { activation } from "../layers/activation.ts";
import { noiseFor } from "../layers/noise.ts";
import type { TableRow } from "../report/closing_table.ts";
import { activeUnits } from "../report/code_space.ts";
import { imageGrid, reconstructionGrid } from "../report/picture.ts";
import { PICTURES } from "./evaluate.ts";
import { Forward } from "./forward.ts";
import type { BesidePytorch } from "./pytorch_figures.ts";
import { writeFileAtomic } from "./run_folder.ts";

/** How many draws from the prior each epoch's picture shows, and how many stand in a row. */
const SAMPLES = 64, SAMPLE_COLUMNS = 8;

/** Records a decoder, from codes [B, code size] to logits [B, pixels]. */
export type BuildDecoder = (graph: Graph, parameters: Parameters, codes: Value) => Value;

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

/** What {@link EpochPictures} draws. */
export interface EpochPicturesOptions {
  /** Where the images to reconstruct come from: the first of its test images. */
  readonly data: Dataset;
  /** Seed of the draws. */
  readonly seed: number;
  /** Numbers in a code. */
  readonly codeSize: number;
  /** Records the decoder. */
  readonly decoder: BuildDecoder;
  /** Records the network whose output is the reconstruction. */
  readonly build: BuildModel;
}

/** Two pictures after each epoch, always of the same draws and the same images, so that one sees them sharpen. */
export class EpochPictures implements Disposable {
  readonly #data: Dataset;
  readonly #codes: Float32Array;
  readonly #images: Float32Array;
  readonly #generate: Forward;
  readonly #reconstruct: Forward;

  private constructor(
    { data, seed, codeSize }: EpochPicturesOptions,
    generate: Forward,
    reconstruct: Forward,
  ) {
    this.#data = data;
    this.#codes = priorCodes(SAMPLES, codeSize, seed);
    const first = Array.from({ length: Math.min(PICTURES, data.test.count) }, (_, n) => n);
    this.#images = imagesAt(data.test, data.width, first);
    this.#generate = generate;
    this.#reconstruct = reconstruct;
  }

  /** Compiles both networks, once. */
  static async compile(
    gpu: Gpu,
    parameters: Parameters,
    options: EpochPicturesOptions,
  ): Promise<EpochPictures> {
    const { data: { width }, codeSize, decoder, build } = options;
    const generate = await compileGenerator(gpu, parameters, codeSize, decoder);
    try {
      const shape = { label: "reconstruction", width, batchSize: PICTURES };
      const reconstruct = await Forward.compile(
        gpu,
        parameters,
        shape,
        (graph, pixels) => build(graph, parameters, pixels).output,
      );
      return new EpochPictures(options, generate, reconstruct);
    } catch (error) {
      generate[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Saves `samples-<epoch>.png` and `reconstructions-<epoch>.png`, with the parameters as they are now.
   *
   * @param folder the run folder
   * @throws InputError if they cannot be written
   */
  async save(folder: string, epoch: number): Promise<void> {
    const { imageShape, width } = this.#data;
    const samples = await this.#generate.run(this.#codes);
    const reconstructions = await this.#reconstruct.run(this.#images);
    writeFileAtomic(
      join(folder, `samples-${epoch}.png`),
      imageGrid(samples, SAMPLES, imageShape, { columns: SAMPLE_COLUMNS }),
    );
    writeFileAtomic(
      join(folder, `reconstructions-${epoch}.png`),
      reconstructionGrid(this.#images, reconstructions, this.#images.length / width, imageShape),
    );
  }

  /** Frees both networks; the parameters stay. */
  [Symbol.dispose](): void {
    this.#generate[Symbol.dispose]();
    this.#reconstruct[Symbol.dispose]();
  }
}

/**
 * The rows of the closing table: the bound's two terms and their sum, and how many code units are active.
 *
 * @param losses nats per image, without weights: `reconstruction` and `kl`
 * @param codes mean codes of the test images, [count, codeSize]
 * @param codeSize numbers in a code
 * @param beside words PyTorch's figures
 */
export function variationalRows(
  losses: Readonly<Record<string, number>>,
  codes: Float32Array,
  codeSize: number,
  beside: BesidePytorch,
): TableRow[] {
  const { reconstruction, kl } = losses;
  const unit = "nats per image, test images";
  return [
    {
      label: "reconstruction + KL",
      value: reconstruction + kl,
      digits: 2,
      unit: unit + beside("104.3 to 104.6"),
    },
    { label: "reconstruction", value: reconstruction, digits: 2, unit: unit + beside("79.4 to 79.6") },
    { label: "KL", value: kl, digits: 2, unit: unit + beside("25.2 to 25.5") },
    {
      label: "active code units",
      value: activeUnits(codes, codeSize),
      digits: 0,
      unit: `of ${codeSize}${beside("20")}`,
    },
  ];
}
