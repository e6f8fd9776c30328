/**
 * The first principal components of images: exactly where that takes seconds, else by block Krylov iteration.
 * @module
 */
import { isTurnDue, turnEventLoop } from "../event_loop.ts";
import { krylovAxes } from "./block_krylov.ts";
import { leadingEigenvectors } from "./eigenvectors.ts";

/** Pixels as bytes, or as floats in [0, 1]. */
export type Pixels = Uint8Array | Float32Array;

/** Rows of the largest matrix that is decomposed, in a second or two; 28×28 pixels are 784. */
const MOST_ROWS = 800;
/** Most products of pixels that are summed: all of MNIST's 60,000 images have 3.7e10, and take some seconds. */
const MOST_PRODUCTS = 5e10;
/** Pixels of each image that are centered at a time; those of 800 images take 1.6 MB. */
const STRIP = 256;
/** Rows of a matrix that is decomposed in less time than some passes over the images take. */
const SMALL = 200;
/** Most components, and most images, of which passes take less time than a larger matrix. */
const FEW = 8, MOST_PASSED = 4000;
/** When passes have found the components but for rounding; the matrix is decomposed if they do not. */
const EXACT = { tolerance: 1e-11, extraPasses: 20 };

/** Principal components. */
export interface PrincipalAxes {
  /** [count, pixels], orthonormal, the first first; 0 where the images vary in fewer directions. */
  readonly axes: Float64Array;
  /**
   * Bound on the squared error beyond that of the best components, as a share of the squared error that remains, on
   * the training images; 0 if the components are exact but for rounding.
   */
  readonly excess: number;
}

/** True if the components of so many images are computed exactly. */
export function isExact(rows: number, pixels: number): boolean {
  const side = Math.min(rows, pixels);
  return side <= MOST_ROWS && rows * pixels * side <= MOST_PRODUCTS;
}

/**
 * Covariance_ij = Σ_n x_ni·x_nj / N − mean_i·mean_j. Products of bytes are whole, so the sum is exact in 64-bit floats;
 * so are the single products of 32-bit floats. Black pixels add nothing and are skipped.
 */
async function covarianceOf(images: Pixels, mean: Float64Array): Promise<Float64Array<ArrayBuffer>> {
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
    addProducts(products, places, values, lit);
    if (isTurnDue()) await turnEventLoop();
  }
  for (let i = 0; i < pixels; i++) {
    for (let j = i; j < pixels; j++) {
      const value = products[i * pixels + j] / count - mean[i] * mean[j];
      products[i * pixels + j] = products[j * pixels + i] = value;
    }
  }
  return products;
}

/** Adds the products of an image's lit pixels to the upper half of a matrix. */
function addProducts(
  products: Float64Array,
  places: Int32Array,
  values: Float64Array,
  lit: number,
): void {
  const pixels = places.length;
  for (let a = 0; a < lit; a++) {
    const value = values[a], row = places[a] * pixels;
    for (let b = a; b < lit; b++) products[row + places[b]] += value * values[b];
  }
}

/** The Gram matrix of the centered images: their scalar products, [rows, rows]. Some pixels of all images at a time. */
async function gramOf(images: Pixels, mean: Float64Array): Promise<Float64Array<ArrayBuffer>> {
  const pixels = mean.length, rows = images.length / pixels, even = rows + rows % 2; // the last row of an odd number is 0
  const gram = new Float64Array(rows * rows), centered = new Float64Array(even * STRIP);
  for (let first = 0; first < pixels; first += STRIP) {
    const width = Math.min(STRIP, pixels - first);
    for (let n = 0; n < rows; n++) {
      for (let i = 0; i < width; i++) {
        centered[n * width + i] = images[n * pixels + first + i] - mean[first + i];
      }
    }
    centered.fill(0, rows * width);
    for (let a = 0; a < rows; a += 2) {
      addTwoRows(gram, rows, centered, width, a);
      if (isTurnDue()) await turnEventLoop();
    }
  }
  for (let a = 0; a < rows; a++) {
    for (let b = 0; b < a; b++) gram[a * rows + b] = gram[b * rows + a];
  }
  return gram;
}

/** Adds the products of rows a and a + 1 with all from a on: four products at a time, which share what they load. */
function addTwoRows(
  gram: Float64Array,
  rows: number,
  centered: Float64Array,
  width: number,
  a: number,
): void {
  const a0 = a * width, a1 = a0 + width;
  for (let b = a; b < rows; b += 2) {
    const b0 = b * width, b1 = b0 + width;
    let p00 = 0, p01 = 0, p10 = 0, p11 = 0;
    for (let i = 0; i < width; i++) {
      const x0 = centered[a0 + i], x1 = centered[a1 + i], y0 = centered[b0 + i], y1 = centered[b1 + i];
      p00 += x0 * y0;
      p01 += x0 * y1;
      p10 += x1 * y0;
      p11 += x1 * y1;
    }
    gram[a * rows + b] += p00;
    if (b + 1 < rows) gram[a * rows + b + 1] += p01;
    if (a + 1 < rows) gram[(a + 1) * rows + b] += p10; // below the diagonal where b = a, and copied over
    if (a + 1 < rows && b + 1 < rows) gram[(a + 1) * rows + b + 1] += p11;
  }
}

/**
 * Returns the first principal components. Of fewer images than pixels, they come from the Gram matrix of the centered
 * images X: if X·Xᵀ·u = λ·u, then Xᵀ·u/√λ is a component. Where neither that nor the covariance is small, or few
 * components are wanted, they come from {@link krylovAxes}.
 *
 * @param images [rows, pixels], row-major
 * @param mean mean image, in the images' own unit
 * @param count how many components, fewer than rows
 */
export async function principalAxes(
  images: Pixels,
  mean: Float64Array,
  count: number,
): Promise<PrincipalAxes> {
  const pixels = mean.length, rows = images.length / pixels;
  if (!isExact(rows, pixels)) return await krylovAxes(images, mean, count);
  if (count <= FEW && rows <= MOST_PASSED && Math.min(rows, pixels) > SMALL) {
    const { axes, excess } = await krylovAxes(images, mean, count, EXACT);
    if (excess <= EXACT.tolerance) return { axes, excess: 0 };
  }
  const axes = new Float64Array(count * pixels);
  if (count === 0) return { axes, excess: 0 };
  if (rows >= pixels) {
    const matrix = await covarianceOf(images, mean);
    (await leadingEigenvectors({ matrix, size: pixels, count })).vectors.forEach((axis, k) =>
      axes.set(axis, k * pixels)
    );
    return { axes, excess: 0 };
  }
  const { values, vectors } = await leadingEigenvectors({
    ...{ matrix: await gramOf(images, mean), size: rows, count },
  });
  for (const [k, vector] of vectors.entries()) {
    if (!(values[k] > 1e-12 * values[0])) continue; // rounding
    const axis = axes.subarray(k * pixels, (k + 1) * pixels), scale = 1 / Math.sqrt(values[k]);
    for (const [n, weight] of vector.entries()) {
      for (let i = 0, at = n * pixels; i < pixels; i++) axis[i] += scale * weight * (images[at++] - mean[i]);
      if (isTurnDue()) await turnEventLoop();
    }
  }
  return { axes, excess: 0 };
}
