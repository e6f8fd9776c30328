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

/** The mean image, in the pixels' own unit: bytes are not yet scaled to [0, 1]. Sums of bytes are exact. */
function meanImage(images: Pixels, pixels: number): Float64Array {
  const sums = new Float64Array(pixels);
  for (let first = 0; first < images.length; first += pixels) {
    for (let i = 0; i < pixels; i++) sums[i] += images[first + i];
  }
  return sums.map((sum) => sum / (images.length / pixels));
}

/**
 * Covariance_ij = Σ_n x_ni·x_nj / N − mean_i·mean_j. Products of bytes are whole, so the sum is exact in 64-bit floats;
 * so are the single products of 32-bit floats. Black pixels add nothing and are skipped.
 */
function covarianceOf(images: Pixels, mean: Float64Array): Matrix {
  const pixels = mean.length, count = images.length / pixels;
  const products = new Float64Array(pixels * pixels);
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
      for (let b = a; b < lit; b++) products[row + places[b]] += value * values[b]; // upper half only
    }
  }
  const covariance = new Matrix(pixels, pixels);
  for (let i = 0; i < pixels; i++) {
    for (let j = i; j < pixels; j++) {
      const value = products[i * pixels + j] / count - mean[i] * mean[j];
      covariance.set(i, j, value);
      covariance.set(j, i, value);
    }
  }
  return covariance;
}

/** Eigenvectors of the largest eigenvalues, largest first, and those eigenvalues. */
function leadingEigenvectors(matrix: Matrix, count: number): { values: number[]; vectors: number[][] } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a])
    .slice(0, count);
  return {
    values: order.map((k) => realEigenvalues[k]),
    vectors: order.map((k) => eigenvectorMatrix.getColumn(k)),
  };
}

/**
 * The first components, one after another in one array, 0 where the images vary in fewer directions. Of fewer images
 * than pixels, they come from the Gram matrix of the centered images X: if X·Xᵀ·u = λ·u, then Xᵀ·u/√λ is a component.
 */
function principalAxes(images: Pixels, mean: Float64Array, count: number): Float64Array {
  const pixels = mean.length, rows = images.length / pixels;
  const axes = new Float64Array(count * pixels);
  if (count === 0) return axes;
  if (rows >= pixels) {
    leadingEigenvectors(covarianceOf(images, mean), count).vectors.forEach((axis, k) =>
      axes.set(axis, k * pixels)
    );
    return axes;
  }
  const centered = Float64Array.from(images, (value, k) => value - mean[k % pixels]);
  const gram = new Matrix(rows, rows);
  for (let a = 0; a < rows; a++) {
    for (let b = a; b < rows; b++) {
      let product = 0;
      for (let i = 0, at = a * pixels, to = b * pixels; i < pixels; i++) {
        product += centered[at++] * centered[to++];
      }
      gram.set(a, b, product);
      gram.set(b, a, product);
    }
  }
  const { values, vectors } = leadingEigenvectors(gram, count);
  vectors.forEach((vector, k) => {
    if (!(values[k] > 1e-12 * values[0])) return; // rounding
    const axis = axes.subarray(k * pixels, (k + 1) * pixels), scale = 1 / Math.sqrt(values[k]);
    vector.forEach((weight, n) => {
      for (let i = 0, at = n * pixels; i < pixels; i++) axis[i] += scale * weight * centered[at++];
    });
  });
  return axes;
}

/**
 * Fits the mean image and PCA to training images and measures both on test images. With mean μ and orthonormal
 * components v_k, the error of one image is ‖x − μ‖² − Σ_k (v_k·(x − μ))².
 *
 * Takes about 2 s for the 60,000 images of MNIST and 11 s for those of Fashion-MNIST, which are less black. The time
 * for the components grows with the third power of the pixels, or of the images if they are fewer.
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
  const mean = meanImage(train, pixels);
  const vectors = principalAxes(train, mean, most);

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
