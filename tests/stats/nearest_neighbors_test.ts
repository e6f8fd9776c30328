import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import { RandomStream } from "../../src/random.ts";
import { nearestNeighborAccuracy } from "../../src/stats/nearest_neighbors.ts";

const labeled = (codes: readonly number[], labels: readonly number[]) => ({
  codes: new Float32Array(codes),
  labels: new Uint8Array(labels),
});

/** The class that one test code gets, found by trying all. */
async function classOf(
  train: ReturnType<typeof labeled>,
  code: readonly number[],
  neighbors: number,
): Promise<number> {
  for (let label = 0; label < 256; label++) {
    if (await nearestNeighborAccuracy(train, labeled(code, [label]), code.length, neighbors) === 1) {
      return label;
    }
  }
  return -1;
}

Deno.test("nearestNeighborAccuracy() lets the majority decide", async () => {
  const train = labeled([1, 2, 3, 4, 5, 6, 7], [9, 4, 4, 4, 9, 9, 9]);
  assert.equal(await classOf(train, [0.9], 5), 4); // 9 4 4 4 9
  assert.equal(await classOf(train, [0.9], 1), 9);
  assert.equal(await classOf(train, [7], 5), 9); // 9 9 9 4 4
  assert.equal(await classOf(train, [0], 100), 9); // all of them: four against three
});

Deno.test("nearestNeighborAccuracy() breaks a tie by the nearest among the tied classes", async () => {
  // 3 is nearest but alone; 1 and 2 have two votes each, and 2 has the nearer member.
  assert.equal(await classOf(labeled([1, -2, 3, -4, 5, 60], [3, 2, 1, 1, 2, 1]), [0], 5), 2);
  // Of two training codes at the same distance, the first in the training set is the nearer.
  assert.equal(await classOf(labeled([1, -1], [5, 6]), [0], 1), 5);
  assert.equal(await classOf(labeled([-1, 1], [5, 6]), [0], 1), 5);
  assert.equal(await classOf(labeled([1, 1, 1, -1], [7, 8, 8, 8]), [0], 2), 7);
});

Deno.test("nearestNeighborAccuracy() gives the share of right answers", async () => {
  const train = labeled([0, 0, 0, 1, 9, 9, 9, 8], [0, 0, 1, 1]);
  const test = labeled([0, 0.5, 9, 8.5, 1, 1, 8, 8], [0, 1, 1, 1]);
  assert.equal(await nearestNeighborAccuracy(train, test, 2, 2), 0.75);
});

Deno.test.each([1, 3, 17])(
  "nearestNeighborAccuracy() agrees with looking at every pair, in %d-D",
  async (dimensions) => {
    const random = new RandomStream(5, "neighbors", dimensions);
    // Few distinct coordinates, so that there are many equal distances; small, so that squaring shrinks some.
    const draw = (count: number) =>
      labeled(
        Array.from({ length: count * dimensions }, () => random.nextBelow(dimensions === 1 ? 40 : 5) / 16),
        Array.from({ length: count }, () => random.nextBelow(3)),
      );
    const train = draw(300), test = draw(100);
    for (const neighbors of [1, 5, 8]) {
      let correct = 0;
      for (let n = 0; n < 100; n++) {
        const nearest = Array.from(train.labels, (label, index) => {
          let distance = 0;
          for (let d = 0; d < dimensions; d++) {
            distance += (train.codes[index * dimensions + d] - test.codes[n * dimensions + d]) ** 2;
          }
          return { label, index, distance };
        }).sort((a, b) => a.distance - b.distance || a.index - b.index).slice(0, neighbors);
        const votes = (label: number) => nearest.filter((one) => one.label === label).length;
        const most = Math.max(votes(0), votes(1), votes(2));
        if (nearest.find((one) => votes(one.label) === most)?.label === test.labels[n]) correct++;
      }
      assert.equal(await nearestNeighborAccuracy(train, test, dimensions, neighbors), correct / 100);
    }
  },
);

Deno.test("nearestNeighborAccuracy() refuses codes that are not finite, and arrays that do not fit", async () => {
  const good = labeled([1, 2, 3, 4], [0, 1]);
  await assert.rejects(
    () => nearestNeighborAccuracy(good, labeled([1, 2, NaN, 4], [0, 1]), 2),
    (error: unknown) => error instanceof InputError && error.message.includes("found NaN in test code 1"),
  );
  await assert.rejects(() => nearestNeighborAccuracy(labeled([1, Infinity], [0]), good, 2), InputError);
  await assert.rejects(() => nearestNeighborAccuracy(good, labeled([1, 2, 3], [0, 1]), 2), RangeError);
  await assert.rejects(() => nearestNeighborAccuracy(labeled([], []), good, 2), RangeError);
  await assert.rejects(() => nearestNeighborAccuracy(good, good, 2, 0), RangeError);
});
