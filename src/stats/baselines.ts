/**
 * Baselines of a model's test error: the mean image, and principal component analysis (PCA), the best linear
 * autoencoder of the same code size.
 * @module
 */

import { isTurnDue, turnEventLoop } from "../event_loop.ts";
import { type Pixels, principalAxes } from "./principal_axes.ts";

/** Pixels between two turns of the event loop, at most. */
const BLOCK = 2 ** 16;

/** Test error of PCA with one code size. */
export interface PcaBaseline {
  /** Number of components, the size of the code. */
  readonly components: number;
  /** Squared error on the test images, mean over pixels and images. */
  readonly testMse: number;
}

/** Test errors of the baselines, with pixels in [0, 1]. */
export interface Baselines {
  /** Squared error of the training set's mean image on the test images, mean over pixels and images. */
  readonly meanImage: number;
  /** PCA, fitted to the training images, one entry for each requested code size, in the requested order. */
  readonly pca: readonly PcaBaseline[];
  /** Bound on PCA's error beyond the least on the training images, as a share of it; 0 but for large and wide data. */
  readonly excess: number;
}

// Loops in functions of their own, called for each image: they are compiled after some calls.

/** sums += the image that begins at `first`. */
function addImage(sums: Float64Array, images: Pixels, first: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] += images[first + i];
}

/** target = the image that begins at `first`, less the mean. */
function center(target: Float64Array, images: Pixels, first: number, mean: Float64Array): void {
  for (let i = 0; i < mean.length; i++) target[i] = images[first + i] - mean[i];
}

/** Adds the square of each number of a vector to a sum. */
function addSquares(sum: number, vector: Float64Array): number {
  for (let i = 0; i < vector.length; i++) sum += vector[i] * vector[i];
  return sum;
}

/** Scalar product of a centered image and the component that begins at `at`. */
function project(axes: Float64Array, at: number, centered: Float64Array): number {
  let projection = 0;
  for (let i = 0; i < centered.length; i++, at++) projection += axes[at] * centered[i];
  return projection;
}

/** The mean image, in the pixels' own unit: bytes are not yet scaled to [0, 1]. Sums of bytes are exact. */
async function meanImage(images: Pixels, pixels: number): Promise<Float64Array> {
  const sums = new Float64Array(pixels);
  for (let first = 0; first < images.length; first += pixels) {
    addImage(sums, images, first);
    if (isTurnDue()) await turnEventLoop();
  }
  return sums.map((sum) => sum / (images.length / pixels));
}

/**
 * Fits the mean image and PCA to training images and measures both on test images. With mean μ and orthonormal
 * components v_k, the error of one image is ‖x − μ‖² − Σ_k (v_k·(x − μ))².
 *
 * Takes about 2 s for the 60,000 images of MNIST and 11 s for those of Fashion-MNIST, which are less black. Of more than
 * 800 images that are wider than that, the components come from a few passes over the images and are not exact: their
 * squared error on the training images is within 0.01 % of the least, or within the `excess` returned. The event loop
 * turns meanwhile.
 *
 * @param train training images: bytes, or floats in [0, 1], row-major, image after image
 * @param test test images, likewise
 * @param pixels pixels of one image
 * @param components code sizes of PCA, each from 0 to `pixels`; of N images at most N − 1 components count
 * @throws RangeError if an array holds no image or a part of one, or a code size is not allowed
 */
export async function baselines(
  train: Pixels,
  test: Pixels,
  pixels: number,
  components: readonly number[] = [],
): Promise<Baselines> {
  for (const [name, images] of [["training", train], ["test", test]] as const) {
    if (images.length === 0 || images.length % pixels !== 0) {
      throw new RangeError(
        `Cannot compute baselines: expected whole ${name} images of ${pixels} pixels but received ${images.length}`,
      );
    }
  }
  for (const size of components) {
    if (!Number.isSafeInteger(size) || size < 0 || size > pixels) {
      throw new RangeError(
        `Cannot compute baselines: expected a code size from 0 to ${pixels} but received ${size}`,
      );
    }
  }
  const told = train.length / pixels - 1; // centered images span no more directions: others would be arbitrary
  const most = Math.min(told, Math.max(0, ...components));
  const mean = await meanImage(train, pixels);
  const { axes: vectors, excess } = await principalAxes(train, mean, most);

  const explained = new Float64Array(most); // Σ over test images of (v_k·(x − μ))²
  const centered = new Float64Array(pixels);
  let total = 0; // Σ over test images of ‖x − μ‖²
  for (let first = 0; first < test.length; first += pixels) {
    center(centered, test, first, mean);
    total = addSquares(total, centered);
    for (let k = 0; k < most; k++) {
      const projection = project(vectors, k * pixels, centered);
      explained[k] += projection * projection;
    }
    if (isTurnDue()) await turnEventLoop();
  }
  const white = test instanceof Float32Array ? 1 : 255;
  const perPixel = 1 / (test.length * white * white);
  return {
    meanImage: total * perPixel,
    pca: components.map((size) => {
      const rest = explained.subarray(0, size).reduce((left, part) => left - part, total);
      return { components: size, testMse: Math.max(0, rest) * perPixel };
    }),
    excess,
  };
}

/**
 * Lower bound on the binary cross-entropy of any reconstruction: the entropy of the pixels, −p·log p −
 * (1−p)·log(1−p), from 0 for black and white pixels to log 2 for gray ones.
 *
 * @param images bytes from 0 to 255, or floats in [0, 1]; at least one
 * @returns nats, mean over pixels and images
 */
export async function entropyFloor(images: Pixels): Promise<number> {
  const part = (share: number) => share > 0 ? -share * Math.log(share) : 0;
  const entropy = (share: number) => part(share) + part(1 - share);
  const ofBytes = Float64Array.from({ length: 256 }, (_, byte) => entropy(byte / 255));
  let sum = 0;
  for (let first = 0; first < images.length; first += BLOCK) {
    const some = images.subarray(first, first + BLOCK);
    if (some instanceof Float32Array) { for (const share of some) sum += entropy(share); }
    else for (const byte of some) sum += ofBytes[byte];
    if (isTurnDue()) await turnEventLoop();
  }
  return sum / images.length;
}
