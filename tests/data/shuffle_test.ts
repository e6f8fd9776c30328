import assert from "node:assert/strict";
import { batches, permutation } from "../../src/data/shuffle.ts";

Deno.test.each([[0], [1], [2], [7], [60_000]])("permutation() of %d holds every number once", (count) => {
  const order = permutation(count, 3, 0);
  assert.equal(order.length, count);
  assert.ok(order.toSorted().every((value, i) => value === i));
});

Deno.test("permutation() repeats for a seed and epoch, and differs for another", () => {
  const order = permutation(1000, 7, 2);
  assert.deepEqual(permutation(1000, 7, 2), order);
  assert.notDeepEqual(permutation(1000, 8, 2), order);
  assert.notDeepEqual(permutation(1000, 7, 3), order);
  assert.notDeepEqual(order, Uint32Array.from(order).sort());
});

Deno.test("permutation() gives all 24 orders of four equally often", () => {
  const seen = new Map<string, number>();
  for (let epoch = 0; epoch < 24_000; epoch++) {
    const key = permutation(4, 1, epoch).join();
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  assert.equal(seen.size, 24);
  // chi-squared with 23 degrees of freedom: 49.7 is its 0.1 % point
  const chiSquared = [...seen.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquared < 49.7, `chi-squared ${chiSquared}`);
});

Deno.test("permutation() refuses a count out of range", () => {
  for (const count of [-1, 1.5, NaN, 2 ** 32]) assert.throws(() => permutation(count, 1, 0), RangeError);
});

Deno.test("batches() covers every row once, in order, with a last partial batch", () => {
  assert.deepEqual(batches(10, 4), [{ first: 0, rows: 4 }, { first: 4, rows: 4 }, { first: 8, rows: 2 }]);
  assert.deepEqual(batches(8, 4), [{ first: 0, rows: 4 }, { first: 4, rows: 4 }]);
  assert.deepEqual(batches(3, 4), [{ first: 0, rows: 3 }]);
  assert.deepEqual(batches(0, 4), []);
  for (const [count, batchSize] of [[1, 1], [997, 64], [60_000, 128]] as const) {
    let next = 0;
    for (const { first, rows } of batches(count, batchSize)) {
      assert.equal(first, next);
      assert.ok(rows >= 1 && rows <= batchSize);
      next += rows;
    }
    assert.equal(next, count);
  }
});

Deno.test("batches() refuses sizes out of range", () => {
  for (const [count, size] of [[-1, 1], [1, 0], [1, -2], [1, 1.5], [NaN, 1]] as const) {
    assert.throws(() => batches(count, size), RangeError, `${count} rows in batches of ${size}`);
  }
});
