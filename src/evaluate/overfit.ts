/**
 * `--overfit-batch`: tests if a network overfits one batch, as a correct one does.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { meanImage } from "../data/mean_image.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { DeviceImages } from "../layers/gather_batch.ts";
import { type Network, TestLosses } from "./test_losses.ts";

/**
 * Largest error of an overfitted network, relative to that of the mean image. A network that ignores its
 * input reaches 1 at best, with the mean image of the batch.
 */
const LEARNED = 0.5;

/** Errors on the batch: squared errors per pixel, mean over its images. */
export interface Overfit {
  /** Error of the network. */
  readonly error: number;
  /** Error of the mean image. */
  readonly meanError: number;
}

/**
 * Squared error per pixel of a batch's mean image.
 *
 * @param pixels [rows, width], bytes or floats in [0, 1]
 * @param width number of pixels of an image
 */
export function meanImageError(pixels: Uint8Array | Float32Array, width: number): number {
  const mean = meanImage(pixels, width), scale = pixels instanceof Uint8Array ? 255 : 1;
  let sum = 0;
  for (const [at, value] of pixels.entries()) sum += (value / scale - mean[at % width]) ** 2;
  return sum / pixels.length;
}

/** Message that says if the network overfits the batch. */
export function describeOverfit({ error, meanError }: Overfit): string {
  const share = error / meanError;
  const what = `overfit   squared error per pixel of the batch: ${error.toPrecision(3)}, ` +
    `${(100 * share).toPrecision(3)} % of its mean image's ${meanError.toPrecision(3)}`;
  return share <= LEARNED
    ? `${what}; below ${100 * LEARNED} %, as it should be`
    : `${what}; it should be below ${
      100 * LEARNED
    } %: train for more steps, or check the network, its loss and ` +
      "the learning rate";
}

/** Options of {@link measureOverfit}: a network trained on its first batch only. */
export interface OverfitRun {
  readonly gpu: Gpu;
  /** The data set; its first training images are the batch. */
  readonly data: Dataset;
  readonly parameters: Parameters;
  readonly evaluated: Network;
  readonly config: { readonly batchSize: number };
}

/** Measures a network on its training batch and returns the message of {@link describeOverfit}. */
export async function measureOverfit(
  { gpu, data, parameters, evaluated, config }: OverfitRun,
): Promise<string> {
  const pixels = data.train.images.subarray(0, config.batchSize * data.width);
  using batch = new DeviceImages(gpu, "first batch", pixels, data.width);
  using network = await TestLosses.compile(gpu, parameters, batch, evaluated);
  const { testError: error } = await network.measure();
  return describeOverfit({ error, meanError: meanImageError(pixels, data.width) });
}
