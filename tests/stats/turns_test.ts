// The event loop turns within long computations on the CPU, so that Ctrl-C is heard.
import assert from "node:assert/strict";
import { baselines, entropyFloor } from "../../src/stats/baselines.ts";
import { krylovAxes } from "../../src/stats/block_krylov.ts";
import { nearestNeighborAccuracy } from "../../src/stats/nearest_neighbors.ts";
import { isExact, principalAxes } from "../../src/stats/principal_axes.ts";

let time = performance.now();

/** Counts the turns of the event loop during some work, on a clock on which every look takes 30 ms. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  const { now } = performance;
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  performance.now = () => time += 30;
  try {
    await work();
  } finally {
    performance.now = now;
    clearInterval(timer);
  }
  return turns;
}

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, k) => (k * k * 37 + k) % 251);
const codes = (count: number) => ({
  codes: Float32Array.from(bytes(2 * count)),
  labels: bytes(count).map((byte) => byte % 3),
});

Deno.test.each<[string, () => Promise<unknown>]>([
  ["PCA by the covariance", () => principalAxes(bytes(900), new Float64Array(3), 2)],
  ["PCA by the Gram matrix", () => principalAxes(bytes(30 * 50), new Float64Array(50), 5)],
  ["PCA by passes", () => krylovAxes(bytes(60 * 50), new Float64Array(50), 3)],
  ["the error of the mean image", () => baselines(bytes(3), bytes(900), 3)],
  ["nearest neighbors", () => nearestNeighborAccuracy(codes(40), codes(300), 2)],
  ["the entropy floor", () => entropyFloor(bytes(2 ** 21))],
])("the event loop turns during %s", async (_, work) => {
  const turns = await turnsOf(work);
  assert.ok(turns >= 5, `${turns}`);
});

Deno.test("PCA is exact for the shipped data sets and MNIST, and for few or narrow rows, but not for many wide ones", () => {
  for (const [rows, pixels] of [[8000, 784], [60_000, 784], [40, 20_000], [160, 3072], [1e6, 30]]) {
    assert.ok(isExact(rows, pixels), `${rows}×${pixels}`);
  }
  for (const [rows, pixels] of [[48_000, 3072], [900, 20_000], [700, 1_000_000]]) {
    assert.ok(!isExact(rows, pixels), `${rows}×${pixels}`);
  }
});

Deno.test("baselines() of many wide images finds their components", async () => {
  // Each image is a brightness along one pattern: a single component explains all but rounding to whole numbers.
  const pixels = 810, rows = 840;
  const images = Uint8Array.from(
    { length: rows * pixels },
    (_, k) => 20 + (Math.floor(k / pixels) * 7 % 211) * (k % pixels % 13) / 12,
  );
  const { meanImage, pca: [{ testMse }], excess } = await baselines(
    images,
    images.subarray(0, 30 * pixels),
    pixels,
    [1],
  );
  assert.ok(testMse * 255 ** 2 < 0.1 && meanImage * 255 ** 2 > 100, `${testMse} ${meanImage}`);
  assert.ok(excess > 0 && excess <= 1e-4, `${excess}`);
});
