import assert from "node:assert/strict";
import { RandomStream } from "../../src/random.ts";
import { krylovAxes } from "../../src/stats/block_krylov.ts";
import { findEigenvectors } from "../../src/stats/find_eigenvectors.ts";

const ROWS = 301, PIXELS = 90; // an odd number of rows: images are taken two at a time

/** Normally distributed numbers, by Box and Muller. */
function normals(name: string, count: number): Float64Array {
  const random = new RandomStream(4, name);
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random.nextUnit())) * Math.cos(2 * Math.PI * random.nextUnit()),
  );
}

/** Images of independent directions, of which direction k has the standard deviation `deviations(k)`. */
function draw(deviations: (k: number) => number, spread: number, at: number): Float64Array {
  const weights = normals("weights", ROWS * PIXELS), mixed = normals("directions", PIXELS * PIXELS);
  const { vectors } = findEigenvectors({ // of a random symmetric matrix: orthonormal directions
    matrix: mixed.map((value, k) =>
      value + mixed[k % PIXELS * PIXELS + Math.floor(k / PIXELS)]
    ) as Float64Array<
      ArrayBuffer
    >,
    size: PIXELS,
    count: PIXELS,
  });
  const images = new Float64Array(ROWS * PIXELS);
  for (let n = 0; n < ROWS; n++) {
    for (let k = 0; k < PIXELS; k++) {
      const weight = deviations(k) * weights[n * PIXELS + k];
      for (let i = 0; i < PIXELS; i++) images[n * PIXELS + i] += weight * vectors[k][i];
    }
  }
  return images.map((value) => at + spread * value);
}

/** The mean image, and the scatter matrix of the centered images, in plain loops. */
function scatterOf(images: ArrayLike<number>): { mean: Float64Array; scatter: Float64Array<ArrayBuffer> } {
  const mean = new Float64Array(PIXELS), scatter = new Float64Array(PIXELS * PIXELS);
  for (let k = 0; k < images.length; k++) mean[k % PIXELS] += images[k] / ROWS;
  for (let n = 0; n < ROWS; n++) {
    const x = mean.map((value, i) => images[n * PIXELS + i] - value);
    for (let i = 0; i < PIXELS; i++) {
      for (let j = 0; j < PIXELS; j++) scatter[i * PIXELS + j] += x[i] * x[j];
    }
  }
  return { mean, scatter };
}

const trace = (matrix: Float64Array) =>
  matrix.reduce((sum, value, k) => k % (PIXELS + 1) === 0 ? sum + value : sum, 0);

const SPECTRA: readonly (readonly [string, (k: number) => number])[] = [
  ["that falls fast", (k) => 0.5 ** k],
  ["that falls slowly", (k) => 1 / (k + 1)],
  ["that is flat", () => 1],
  ["with steps", (k) => 2 - Math.floor(k / 30)],
];

for (const [name, deviations] of SPECTRA) {
  for (const type of ["bytes", "floats"]) {
    Deno.test(`krylovAxes() of a spectrum ${name} (${type}) leaves an error within its bound`, async () => {
      const numbers = draw(deviations, type === "bytes" ? 20 : 0.1, type === "bytes" ? 128 : 0.5);
      const images = type === "bytes"
        ? new Uint8Array(Uint8ClampedArray.from(numbers))
        : Float32Array.from(numbers);
      const { mean, scatter } = scatterOf(images), total = trace(scatter);
      for (const count of [1, 3, 20, 50]) { // the last in two blocks
        const { axes, excess } = await krylovAxes(images, mean, count);
        let captured = 0; // Σ_k v_kᵀ·S·v_k
        for (let k = 0; k < count; k++) {
          for (let j = 0; j <= k; j++) {
            let product = 0;
            for (let i = 0; i < PIXELS; i++) product += axes[k * PIXELS + i] * axes[j * PIXELS + i];
            assert.ok(Math.abs(product - Number(k === j)) < 1e-9, `${count}: ${k}·${j} is ${product}`);
          }
          for (let i = 0; i < PIXELS; i++) {
            for (let j = 0; j < PIXELS; j++) {
              captured += axes[k * PIXELS + i] * scatter[i * PIXELS + j] * axes[k * PIXELS + j];
            }
          }
        }
        const { values } = findEigenvectors({ matrix: scatter.slice(), size: PIXELS, count });
        const least = total - values.reduce((sum, value) => sum + value, 0), left = total - captured;
        const rounding = 1e-9 * total;
        assert.ok(left >= least - rounding, `${count}: ${left} below the least, ${least}`);
        assert.ok(left <= least + excess * left + rounding, `${count}: ${left}, ${least}, ${excess}`);
        assert.ok(excess < 1e-2, `${count}: ${excess}`);
        if (count <= 3) assert.ok(excess <= 1e-4, `${count}: ${excess}`);
      }
    });
  }
}

Deno.test("krylovAxes() finds no more directions than there are, and is deterministic", async () => {
  const images = new Uint8Array(ROWS * PIXELS).map((_, k) => k % PIXELS < 2 ? (k * 37) % 251 : 7);
  const { mean, scatter } = scatterOf(images);
  const { axes, excess } = await krylovAxes(images, mean, 5);
  const lengths = Array.from(
    { length: 5 },
    (_, k) =>
      axes.subarray(k * PIXELS, (k + 1) * PIXELS).reduce(
        (sum, value, i) => sum + value ** 2 * Math.sign(scatter[i * (PIXELS + 1)]),
        0,
      ),
  );
  assert.ok(Math.abs(lengths[0] - 1) < 1e-9 && Math.abs(lengths[1] - 1) < 1e-9, `${lengths}`);
  assert.equal(excess, 0);
  assert.deepEqual((await krylovAxes(images, mean, 5)).axes, axes);
});
