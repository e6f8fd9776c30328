/**
 * `--overfit-batch`: whether a network learned one batch by heart, as a sound one does.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { meanImage } from "../data/mean_image.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { DeviceImages } from "../layers/gather_batch.ts";
import { type Network, TestLosses } from "./test_losses.ts";

/**
 * The share of the mean image's error that a network which learns by heart must fall below. A network that ignores its
 * input comes no lower than 1: the mean of its batch is the best that it can paint.
 */
const LEARNED = 0.5;

/** How well a batch was learned. Errors are squared errors per pixel, over all of its images. */
export interface Overfit {
  /** The network's. */
  readonly error: number;
  /** That of the batch's mean image. */
  readonly meanError: number;
}

/**
 * The error of a batch's mean image.
 *
 * @param pixels [rows, width], bytes or floats in [0, 1]
 * @param width pixels of an image
 */
export function meanImageError(pixels: Uint8Array | Float32Array, width: number): number {
  const mean = meanImage(pixels, width), scale = pixels instanceof Uint8Array ? 255 : 1;
  let sum = 0;
  for (const [at, value] of pixels.entries()) sum += (value / scale - mean[at % width]) ** 2;
  return sum / pixels.length;
}

/** Whether the batch was learned by heart, in words. */
export function describeOverfit({ error, meanError }: Overfit): string {
  const share = error / meanError;
  const what = `overfit   squared error per pixel of the batch: ${error.toPrecision(3)}, ` +
    `${(100 * share).toPrecision(3)} % of its mean image's ${meanError.toPrecision(3)}`;
  return share <= LEARNED
    ? `${what}; below ${100 * LEARNED} %, as it should be`
    : `${what}; it should be below ${
      100 * LEARNED
    } %: train for more steps, or look at the network, its loss and ` +
      "the learning rate";
}

/** A network that was trained on its first batch alone. */
export interface OverfitRun {
  /** The device. */
  readonly gpu: Gpu;
  /** The data set; its first training images are the batch. */
  readonly data: Dataset;
  /** What was learned. */
  readonly parameters: Parameters;
  /** The network. */
  readonly evaluated: Network;
  /** How large the batch is. */
  readonly config: { readonly batchSize: number };
}

/** Measures a network on the batch that it was trained on, and says whether it learned it by heart. */
export async function measureOverfit(
  { gpu, data, parameters, evaluated, config }: OverfitRun,
): Promise<string> {
  const pixels = data.train.images.subarray(0, config.batchSize * data.width);
  using batch = new DeviceImages(gpu, "first batch", pixels, data.width);
  using network = await TestLosses.compile(gpu, parameters, batch, evaluated);
  const { testError: error } = await network.measure();
  return describeOverfit({ error, meanError: meanImageError(pixels, data.width) });
}
