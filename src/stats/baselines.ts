/**
 * Baselines of a model's test error: the mean image, and principal component analysis (PCA), the best linear
 * autoencoder of the same code size.
 * @module
 */

import { EigenvalueDecomposition, Matrix } from "../dependencies/ml_matrix.ts";

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
}

/** Pixels as bytes, or as floats in [0, 1]. */
type Pixels = Uint8Array | Float32Array;

/** The mean and the covariance of pixels as they are stored: bytes are not yet scaled to [0, 1]. */
interface Moments {
  readonly mean: Float64Array;
  readonly covariance: Matrix;
}

/**
 * Mean_i = Σ_n x_ni / N, covariance_ij = Σ_n x_ni·x_nj / N − mean_i·mean_j. Bytes have whole products, so both
 * sums are exact in 64-bit floats; so are the single products of 32-bit floats. Black pixels add nothing and are skipped.
 */
function momentsOf(images: Pixels, pixels: number): Moments {
  const count = images.length / pixels;
  const sums = new Float64Array(pixels), products = new Float64Array(pixels * pixels);
  const places = new Int32Array(pixels), values = new Float64Array(pixels); // of one image's lit pixels
  for (let first = 0; first < images.length; first += pixels) {
    let lit = 0;
    for (let i = 0; i < pixels; i++) {
      const value = images[first + i];
      if (value === 0) continue;
      places[lit] = i;
      values[lit++] = value;
    }
    for (let a = 0; a < lit; a++) {
      const value = values[a], row = places[a] * pixels;
      sums[places[a]] += value;
      for (let b = a; b < lit; b++) products[row + places[b]] += value * values[b]; // upper half only
    }
  }
  const mean = sums.map((sum) => sum / count);
  const covariance = new Matrix(pixels, pixels);
  for (let i = 0; i < pixels; i++) {
    for (let j = i; j < pixels; j++) {
      const value = products[i * pixels + j] / count - mean[i] * mean[j];
      covariance.set(i, j, value);
      covariance.set(j, i, value);
    }
  }
  return { mean, covariance };
}

/** The eigenvectors of the largest eigenvalues, one after another in one array. */
function leadingEigenvectors(covariance: Matrix, count: number): Float64Array {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  const pixels = covariance.rows;
  const vectors = new Float64Array(count * pixels);
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < pixels; i++) vectors[k * pixels + i] = eigenvectorMatrix.get(i, order[k]);
  }
  return vectors;
}

/**
 * Fits the mean image and PCA to training images and measures both on test images. With mean μ and orthonormal
 * components v_k, the error of one image is ‖x − μ‖² − Σ_k (v_k·(x − μ))².
 *
 * Takes about 2 s for the 60,000 images of MNIST and 11 s for those of Fashion-MNIST, which are less black. The
 * time for the components grows with the third power of the pixels.
 *
 * @param train training images: bytes, or floats in [0, 1], row-major, image after image
 * @param test test images, likewise
 * @param pixels pixels of one image
 * @param components code sizes of PCA, each from 0 to `pixels`; of N images at most N − 1 components count
 * @throws RangeError if an array holds no image or a part of one, or a code size is not allowed
 */
export function baselines(
  train: Pixels,
  test: Pixels,
  pixels: number,
  components: readonly number[] = [],
): Baselines {
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
  const { mean, covariance } = momentsOf(train, pixels);
  const vectors = most === 0 ? new Float64Array(0) : leadingEigenvectors(covariance, most);

  const explained = new Float64Array(most); // Σ over test images of (v_k·(x − μ))²
  const centered = new Float64Array(pixels);
  let total = 0; // Σ over test images of ‖x − μ‖²
  for (let first = 0; first < test.length; first += pixels) {
    for (let i = 0; i < pixels; i++) {
      const value = test[first + i] - mean[i];
      centered[i] = value;
      total += value * value;
    }
    for (let k = 0; k < most; k++) {
      let projection = 0;
      for (let i = 0, at = k * pixels; i < pixels; i++, at++) projection += vectors[at] * centered[i];
      explained[k] += projection * projection;
    }
  }
  const white = test instanceof Float32Array ? 1 : 255;
  const perPixel = 1 / (test.length * white * white);
  return {
    meanImage: total * perPixel,
    pca: components.map((size) => {
      const rest = explained.subarray(0, size).reduce((left, part) => left - part, total);
      return { components: size, testMse: Math.max(0, rest) * perPixel };
    }),
  };
}

/**
 * Lower bound on the binary cross-entropy of any reconstruction: the entropy of the pixels, −p·log p −
 * (1−p)·log(1−p), from 0 for black and white pixels to log 2 for gray ones.
 *
 * @param images bytes from 0 to 255, or floats in [0, 1]; at least one
 * @returns nats, mean over pixels and images
 */
export function entropyFloor(images: Pixels): number {
  const white = images instanceof Float32Array ? 1 : 255;
  const part = (share: number) => share > 0 ? -share * Math.log(share) : 0;
  let sum = 0;
  for (const pixel of images) {
    const share = pixel / white;
    sum += part(share) + part(1 - share);
  }
  return sum / images.length;
}
