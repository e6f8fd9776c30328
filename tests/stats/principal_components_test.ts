import assert from "node:assert/strict";
import { principalComponents } from "../../src/stats/principal_components.ts";

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const isNear = actual.every((value, k) => Math.abs(value - expected[k]) <= tolerance);
  assert.ok(isNear, `expected [${expected}] within ${tolerance}, found [${actual}]`);
}

Deno.test("principalComponents() finds the directions of most variance", () => {
  const values = Float32Array.from({ length: 5 * 30 }, (_, k) => {
    const n = Math.floor(k / 5), a = n - 14.5, b = n % 2 - 0.5;
    return [10 + 3 * a, 4 * a, -2 * b, 1, 0][k % 5];
  });
  const { values: projected, shares } = principalComponents(values, 5, 2);
  assert.equal(shares.length, 2);
  assertNear([shares[0] + shares[1], shares[0] / shares[1] / 1000], [1, 25 * 74.9167 / 1 / 1000], 0.02);
  for (const n of [0, 7, 29]) assertNear([projected[2 * n]], [5 * (n - 14.5)], 0.05);
  const spoilt = values.slice();
  spoilt[5] = NaN;
  const some = principalComponents(spoilt, 5, 2).values;
  assert.deepEqual([...some.slice(2, 4)], [NaN, NaN]);
  assert.ok(some.filter(Number.isFinite).length === 58);
  assert.deepEqual(principalComponents(new Float32Array(10), 5, 2).shares, [0, 0]);
});
