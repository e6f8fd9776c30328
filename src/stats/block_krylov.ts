/**
 * Principal components of many wide images, by a randomized block Krylov iteration: a few passes over the images
 * instead of their covariance.
 *
 * Source: Musco and Musco, "Randomized block Krylov methods for stronger and faster approximate singular value
 * decomposition" (2015), algorithm 2; Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), for the
 * random start and the oversampling. The bound on the error is that of the residuals: Parlett, The symmetric eigenvalue
 * problem (1998), section 11.5.
 * @module
 */
import { isTurnDue, turnEventLoop } from "../event_loop.ts";
import { RandomStream } from "../random.ts";
import { leadingEigenvectors } from "./eigenvectors.ts";

/** Columns beyond the wanted ones in the first block. */
const OVERSAMPLING = 4;
/** Most columns of a block; a multiple of four. More components take more passes. */
const MOST_COLUMNS = 32;
/** Length of what is left of a vector below which it is rounding, as a share. */
const DEPENDENT = 1e-10;

/** When {@link krylovAxes} ends. */
export interface KrylovLimits {
  /** Share of the remaining squared error to which its bound must fall. */
  readonly tolerance: number;
  /** Passes after which it ends with the bound that it has reached, besides those that the basis needs. */
  readonly extraPasses: number;
}

/** Result of {@link krylovAxes}, as of `principalAxes()`. */
interface KrylovAxes {
  readonly axes: Float64Array;
  readonly excess: number;
}

/**
 * Returns the first principal components of images, with a bound on their error; deterministic.
 *
 * With the scatter matrix S of the centered images and components v_k of Rayleigh quotients θ_k, an eigenvalue of S lies
 * within ‖S·v_k − θ_k·v_k‖ of each θ_k. The squared error that the components leave exceeds the least by at most the sum
 * of these residuals, if the random start has missed none of the leading eigenvectors.
 *
 * @param images [rows, pixels], row-major
 * @param mean mean image, in the images' own unit
 * @param count how many components
 * @param limits when to end; absent for a figure whose first four digits hold
 */
export async function krylovAxes(
  images: Uint8Array | Float32Array,
  mean: Float64Array,
  count: number,
  { tolerance, extraPasses }: KrylovLimits = { tolerance: 1e-4, extraPasses: 10 },
): Promise<KrylovAxes> {
  const pixels = mean.length, random = new RandomStream(0, "principal components");
  const axes = new Float64Array(count * pixels);
  if (count === 0) return { axes, excess: 0 };
  const columns = Math.min(MOST_COLUMNS, 4 * Math.ceil((count + OVERSAMPLING) / 4));
  const randomBlock = () =>
    Array.from({ length: columns }, () => Float64Array.from(mean, () => 2 * random.nextUnit() - 1));
  const basis: Float64Array[] = [], scattered: Float64Array[] = []; // orthonormal columns V, and S·V
  let block = randomBlock(), projected = new Float64Array();
  for (let passes = Math.ceil(count / columns) + extraPasses;; passes--) {
    const before = basis.length;
    await extend(basis, block);
    if (basis.length === before && before < count) await extend(basis, block = randomBlock());
    const fresh = basis.slice(before);
    const { products, total } = await scatter(images, mean, fresh);
    scattered.push(...products);
    projected = await project(basis, scattered, projected);
    const found = await ritz(basis, scattered, projected, Math.min(count, basis.length));
    const captured = found.values.reduce((sum, value) => sum + value, 0);
    const rest = Math.max(0, total - captured), bound = found.residuals.reduce((sum, one) => sum + one, 0);
    const isSpanned = fresh.length === 0 || rest <= 1e-12 * total;
    if (isSpanned || basis.length >= count && (bound <= tolerance * rest || passes <= 1)) {
      found.vectors.forEach((vector, k) => axes.set(vector, k * pixels));
      return { axes, excess: isSpanned ? 0 : bound / rest };
    }
    block = products;
  }
}

/** Sum of the products of two vectors. */
function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** target += factor · vector. */
function add(target: Float64Array, factor: number, vector: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * vector[i];
}

/** Extends an orthonormal basis by the directions of some vectors that it does not span: Gram-Schmidt, twice. */
async function extend(basis: Float64Array[], vectors: readonly Float64Array[]): Promise<void> {
  for (const vector of vectors) {
    const left = Float64Array.from(vector), length = Math.sqrt(dot(left, left));
    for (let twice = 0; twice < 2; twice++) {
      for (const axis of basis) {
        add(left, -dot(axis, left), axis);
        if (isTurnDue()) await turnEventLoop();
      }
    }
    const rest = Math.sqrt(dot(left, left));
    if (rest > DEPENDENT * length) basis.push(left.map((value) => value / rest));
  }
}

/** The scatter matrix times some vectors, and its trace: the squared distance of all images from the mean. */
async function scatter(
  images: Uint8Array | Float32Array,
  mean: Float64Array,
  vectors: readonly Float64Array[],
): Promise<{ products: Float64Array<ArrayBuffer>[]; total: number }> {
  const pixels = mean.length;
  const groups = Array.from({ length: Math.ceil(vectors.length / 4) }, (_, g) => {
    const four = new Float64Array(4 * pixels);
    vectors.slice(4 * g, 4 * g + 4).forEach((vector, c) => {
      for (let i = 0; i < pixels; i++) four[4 * i + c] = vector[i];
    });
    return { vectors: four, products: new Float64Array(4 * pixels) };
  });
  const first = new Float64Array(pixels), second = new Float64Array(pixels); // two centered images at a time
  let total = 0;
  for (let at = 0; at < images.length; at += 2 * pixels) {
    total += center(first, images, at, mean) + center(second, images, at + pixels, mean);
    for (const { vectors, products } of groups) {
      addScatter(first, second, vectors, products);
      if (isTurnDue()) await turnEventLoop();
    }
  }
  const products = vectors.map((_, k) => {
    const { products } = groups[Math.floor(k / 4)];
    return Float64Array.from({ length: pixels }, (_, i) => products[4 * i + k % 4]);
  });
  return { products, total };
}

/** Writes a centered image, zeros after the last, and returns its squared length. */
function center(
  target: Float64Array,
  images: Uint8Array | Float32Array,
  first: number,
  mean: Float64Array,
): number {
  if (first >= images.length) {
    target.fill(0);
    return 0;
  }
  let squares = 0;
  for (let i = 0; i < mean.length; i++) {
    const value = images[first + i] - mean[i];
    target[i] = value;
    squares += value * value;
  }
  return squares;
}

/** Adds x·(xᵀ·v) of two images x and four vectors v, whose numbers alternate. */
function addScatter(x: Float64Array, z: Float64Array, vectors: Float64Array, products: Float64Array): void {
  let x0 = 0, x1 = 0, x2 = 0, x3 = 0, z0 = 0, z1 = 0, z2 = 0, z3 = 0;
  for (let i = 0, at = 0; i < x.length; i++, at += 4) {
    const xi = x[i],
      zi = z[i],
      a = vectors[at],
      b = vectors[at + 1],
      c = vectors[at + 2],
      d = vectors[at + 3];
    x0 += xi * a;
    x1 += xi * b;
    x2 += xi * c;
    x3 += xi * d;
    z0 += zi * a;
    z1 += zi * b;
    z2 += zi * c;
    z3 += zi * d;
  }
  for (let i = 0, at = 0; i < x.length; i++, at += 4) {
    const xi = x[i], zi = z[i];
    products[at] += xi * x0 + zi * z0;
    products[at + 1] += xi * x1 + zi * z1;
    products[at + 2] += xi * x2 + zi * z2;
    products[at + 3] += xi * x3 + zi * z3;
  }
}

/** Vᵀ·S·V, [size, size], of which an earlier and smaller one is known. */
async function project(
  basis: readonly Float64Array[],
  scattered: readonly Float64Array[],
  known: Float64Array,
): Promise<Float64Array<ArrayBuffer>> {
  const size = basis.length, before = Math.round(Math.sqrt(known.length));
  const projected = new Float64Array(size * size);
  for (let a = 0; a < before; a++) projected.set(known.subarray(a * before, (a + 1) * before), a * size);
  for (let b = before; b < size; b++) {
    for (let a = 0; a <= b; a++) {
      projected[a * size + b] = projected[b * size + a] = dot(basis[a], scattered[b]);
      if (isTurnDue()) await turnEventLoop();
    }
  }
  return projected;
}

/** The Ritz vectors of the largest Ritz values, and the lengths of their residuals. */
async function ritz(
  basis: readonly Float64Array[],
  scattered: readonly Float64Array[],
  projected: Float64Array<ArrayBuffer>,
  count: number,
): Promise<{ values: readonly number[]; vectors: Float64Array[]; residuals: number[] }> {
  const matrix = projected.slice(); // which moves to a worker
  const { values, vectors: weights } = await leadingEigenvectors({ matrix, size: basis.length, count });
  const vectors: Float64Array[] = [], residuals: number[] = [];
  for (const [k, value] of values.entries()) {
    const vector = new Float64Array(basis[0].length), residual = new Float64Array(basis[0].length);
    for (const [n, weight] of weights[k].entries()) {
      add(vector, weight, basis[n]);
      add(residual, weight, scattered[n]);
      if (isTurnDue()) await turnEventLoop();
    }
    add(residual, -value, vector);
    vectors.push(vector);
    residuals.push(Math.sqrt(dot(residual, residual)));
  }
  return { values, vectors, residuals };
}
