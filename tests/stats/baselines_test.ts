import assert from "node:assert/strict";
import { baselines, entropyFloor } from "../../src/stats/baselines.ts";
import { RandomStream } from "../../src/random.ts";

/** Asserts that two numbers agree to a relative error of 1e-9; NaN never does. */
function near(actual: number, expected: number): void {
  assert.ok(
    Math.abs(actual - expected) <= 1e-9 * Math.max(1e-6, Math.abs(expected)),
    `${actual}, not ${expected}`,
  );
}

Deno.test("baselines() agrees with a case worked out by hand", async () => {
  // Training images (0, 0), (10, 10), (20, 20) and (30, 30): mean (15, 15), one component along (1, 1)/√2.
  // Test image (25, 15): off the mean by (10, 0), of which (5, 5) is along the component.
  const train = new Uint8Array([0, 0, 10, 10, 20, 20, 30, 30]);
  const { meanImage, pca } = await baselines(train, new Uint8Array([25, 15]), 2, [1, 0, 2]);
  near(meanImage, 100 / 2 / 255 ** 2);
  assert.deepEqual(pca.map((entry) => entry.components), [1, 0, 2]);
  near(pca[0].testMse, 50 / 2 / 255 ** 2);
  near(pca[1].testMse, meanImage);
  assert.ok(pca[2].testMse >= 0 && pca[2].testMse < 1e-15, `${pca[2].testMse}`);
});

Deno.test("baselines() counts no more components than the training images span", async () => {
  const train = new Uint8Array([0, 0, 0, 10, 10, 0]), test = new Uint8Array([25, 15, 40]); // one line: along (1, 1, 0)
  const { pca } = await baselines(train, test, 3, [1, 2, 3]);
  near(pca[0].testMse, (50 + 1600) / 3 / 255 ** 2);
  assert.deepEqual(pca.map(({ testMse }) => testMse), [pca[0].testMse, pca[0].testMse, pca[0].testMse]);
  const [one] = (await baselines(test, train, 3, [2])).pca; // a single image spans none
  near(one.testMse, (await baselines(test, train, 3)).meanImage);
});

/** Eigenvalues and eigenvectors (rows) of a symmetric matrix by cyclic Jacobi rotations, largest first. */
function jacobi(
  matrix: readonly (readonly number[])[],
): { readonly value: number; readonly vector: number[] }[] {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((_, j): number => i === j ? 1 : 0));
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p][q] === 0) continue;
        const angle = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]);
        const c = Math.cos(angle), s = Math.sin(angle);
        for (let k = 0; k < n; k++) {
          [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
        }
        for (let k = 0; k < n; k++) {
          [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
        }
        for (let k = 0; k < n; k++) {
          [v[p][k], v[q][k]] = [c * v[p][k] - s * v[q][k], s * v[p][k] + c * v[q][k]];
        }
      }
    }
  }
  return v.map((vector, i) => ({ value: a[i][i], vector })).sort((x, y) => y.value - x.value);
}

for (const rows of [200, 9]) {
  Deno.test(`baselines() of ${rows} images agrees with a full eigendecomposition written out in plain loops`, async () => {
    const pixels = 12, random = new RandomStream(3, "baselines");
    // Mixtures of three patterns with noise; about a third of the pixels are black.
    const patterns = Array.from(
      { length: 3 },
      () => Array.from({ length: pixels }, () => random.nextUnit() - 0.4),
    );
    const draw = (count: number) =>
      Uint8Array.from(
        Array.from({ length: count }, () => {
          const weights = patterns.map(() => 255 * random.nextUnit());
          return Array.from({ length: pixels }, (_, i) =>
            Math.min(
              255,
              Math.max(
                0,
                patterns.reduce((sum, pattern, k) => sum + weights[k] * pattern[i], 0) +
                  20 * random.nextUnit(),
              ),
            ));
        }).flat(),
      );
    const train = draw(rows), test = draw(50);
    const image = (images: Uint8Array, n: number) =>
      Array.from(images.subarray(n * pixels, (n + 1) * pixels), (x) => x / 255);
    const trainImages = Array.from({ length: rows }, (_, n) => image(train, n));
    const mean = Array.from(
      { length: pixels },
      (_, i) => trainImages.reduce((sum, x) => sum + x[i], 0) / rows,
    );
    const covariance = mean.map((_, i) =>
      mean.map((_, j) => trainImages.reduce((sum, x) => sum + (x[i] - mean[i]) * (x[j] - mean[j]), 0) / rows)
    );
    const axes = jacobi(covariance);
    const sizes = [0, 1, 2, 3, 7, rows < pixels ? rows - 1 : 11];
    const expected = sizes.map((size) => {
      let total = 0;
      for (let n = 0; n < 50; n++) {
        const x = image(test, n).map((value, i) => value - mean[i]);
        const rebuilt = x.map(() => 0);
        for (const { vector } of axes.slice(0, size)) {
          const projection = vector.reduce((sum, value, i) => sum + value * x[i], 0);
          vector.forEach((value, i) => rebuilt[i] += projection * value);
        }
        total += x.reduce((sum, value, i) => sum + (value - rebuilt[i]) ** 2, 0);
      }
      return total / (50 * pixels);
    });
    const { meanImage, pca } = await baselines(train, test, pixels, sizes);
    near(meanImage, expected[0]);
    pca.forEach(({ testMse }, k) => near(testMse, expected[k]));
    assert.ok(expected[3] < expected[0] / 4, "the case has structure to find");
  });
}

Deno.test("baselines() refuses parts of images and impossible code sizes", async () => {
  const images = new Uint8Array(6);
  for (
    const [train, test, sizes] of [[5, 6, []], [6, 5, []], [0, 6, []], [6, 6, [4]], [6, 6, [-1]], [6, 6, [
      0.5,
    ]]] as const
  ) {
    await assert.rejects(
      () => baselines(images.subarray(0, train), images.subarray(0, test), 3, sizes),
      RangeError,
    );
  }
});

Deno.test("entropyFloor() is the pixels' own entropy: 0 for black and white, log 2 for gray", async () => {
  assert.equal(await entropyFloor(Uint8Array.of(0, 255, 0)), 0);
  near(await entropyFloor(Float32Array.of(0.5, 0, 1, 0.5)), Math.LN2 / 2);
  const share = 51 / 255;
  near(await entropyFloor(Uint8Array.of(51)), -share * Math.log(share) - (1 - share) * Math.log(1 - share));
});
