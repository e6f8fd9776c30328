import assert from "node:assert/strict";
import { averagePrecision } from "../../src/stats/average_precision.ts";

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-12, `${actual}, not ${expected}`);
}

Deno.test("averagePrecision() sums precision over the steps of recall", () => {
  // from the top: + - + - , so precision 1/1 at recall 1/2 and 2/3 at recall 1
  near(averagePrecision([1, 2, 3, 4], [false, true, false, true]), 0.5 * 1 + 0.5 * 2 / 3);
  near(averagePrecision([4, 3, 2, 1], [true, true, false, false]), 1);
  near(averagePrecision([4, 3, 2, 1], [false, false, false, true]), 1 / 4);
});

Deno.test("averagePrecision() counts equal scores as one threshold, in any order of the rows", () => {
  // 0.8: one positive; 0.5: two positives and a negative; 0.1: a negative and a positive
  const rows: [number, boolean][] = [
    ...[[0.5, true], [0.1, false], [0.8, true], [0.5, false], [0.1, true], [0.5, true]] as [
      number,
      boolean,
    ][],
  ];
  const expected = 1 / 4 * 1 + 2 / 4 * (3 / 4) + 1 / 4 * (4 / 6);
  for (const order of [rows, rows.toReversed()]) {
    near(
      averagePrecision(order.map(([score]) => score), order.map(([, isPositive]) => isPositive)),
      expected,
    );
  }
  near(averagePrecision([7, 7, 7, 7, 7], [true, false, false, true, false]), 2 / 5); // the share of positives
});

Deno.test("averagePrecision() without positives is NaN, and wants a class per score", () => {
  assert.ok(Number.isNaN(averagePrecision([1, 2], [false, false])));
  assert.throws(() => averagePrecision([1], []), /expected 1 classes but received 0/);
});
