// The principal components of wide images, by passes over the images and by the Gram matrix: eigenvectors of the scatter
// matrix, which is never formed here.
import assert from "node:assert/strict";
import { RandomStream } from "../../src/random.ts";
import { principalAxes } from "../../src/stats/principal_axes.ts";

const ROWS = 301, PIXELS = 600; // an odd number of rows, and pixels that are centered in three parts

/** Mixtures of 40 patterns, each weaker than the one before, and noise. */
function draw(): { images: Uint8Array; mean: Float64Array } {
  const random = new RandomStream(5, "principal axes"), sign = () => 2 * random.nextUnit() - 1;
  const patterns = Array.from({ length: 40 }, () => Float64Array.from({ length: PIXELS }, sign));
  const images = new Uint8Array(ROWS * PIXELS), mean = new Float64Array(PIXELS);
  for (let n = 0; n < ROWS; n++) {
    const weights = patterns.map((_, k) => 60 * 0.8 ** k * sign());
    for (let i = 0; i < PIXELS; i++) {
      const value = patterns.reduce((sum, pattern, k) => sum + weights[k] * pattern[i], 128 + 4 * sign());
      mean[i] += (images[n * PIXELS + i] = Math.min(255, Math.max(0, value))) / ROWS;
    }
  }
  return { images, mean };
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** S·v = Σ_n x_n·(x_nᵀ·v) of the centered images x_n. */
function scattered(images: Uint8Array, mean: Float64Array, v: Float64Array): Float64Array {
  const sum = new Float64Array(PIXELS);
  for (let n = 0; n < ROWS; n++) {
    const x = mean.map((value, i) => images[n * PIXELS + i] - value), weight = dot(x, v);
    x.forEach((value, i) => sum[i] += weight * value);
  }
  return sum;
}

Deno.test("the components of wide images are eigenvectors, the same by passes as by the Gram matrix", async () => {
  const { images, mean } = draw();
  const eigenvalues: number[][] = [];
  for (const count of [3, 9]) { // by passes, by the Gram matrix
    const { axes, excess } = await principalAxes(images, mean, count);
    assert.equal(excess, 0);
    const vectors = Array.from({ length: count }, (_, k) => axes.subarray(k * PIXELS, (k + 1) * PIXELS));
    const values = vectors.map((v, k) => {
      const product = scattered(images, mean, v), value = dot(v, product);
      vectors.slice(0, k + 1).forEach((other, j) =>
        assert.ok(Math.abs(dot(v, other) - Number(j === k)) < 1e-9, `${k}·${j}`)
      );
      const residual = Math.hypot(...product.map((each, i) => each - value * v[i]));
      assert.ok(residual < 1e-9 * value, `${count}, ${k}: ${residual} of ${value}`);
      return value;
    });
    assert.deepEqual(values, values.toSorted((a, b) => b - a));
    eigenvalues.push(values);
  }
  const [few, more] = eigenvalues;
  few.forEach((value, k) => assert.ok(Math.abs(value - more[k]) < 1e-12 * value, `${value}, ${more[k]}`));
  assert.ok(few[2] > 1.1 * more[3] && more[8] > 0, "the case has structure to find");
});
