import assert from "node:assert/strict";
import { RandomStream } from "../../src/random.ts";
import { magnitudeAt } from "../../src/stats/magnitudes.ts";

/** The same by sorting. */
function sortedAt(values: Float32Array, placeOf: (count: number) => number): number {
  const magnitudes = values.map(Math.abs).filter(Number.isFinite).sort();
  return magnitudes.length > 0 ? magnitudes[placeOf(magnitudes.length)] : 0;
}

Deno.test("magnitudeAt() finds what sorting finds: of many sizes, of equal numbers, of zeros and of what is not finite", () => {
  const random = new RandomStream(1, "magnitudes");
  const spread = Float32Array.from(
    { length: 999 },
    () => (random.nextUnit() - 0.5) * 10 ** (60 * random.nextUnit() - 40),
  );
  const near = Float32Array.from({ length: 500 }, () => 1 + random.nextBelow(5) * 2 ** -23); // one upper half
  const samples = [
    spread,
    near,
    Float32Array.of(-0, 0, NaN, -Infinity, Infinity, -2, 1e-45, 3.4e38),
    Float32Array.of(-7),
    Float32Array.of(2, 2, 2),
    Float32Array.of(NaN),
    new Float32Array(),
  ];
  for (const values of samples) {
    for (const share of [0, 0.3, 0.5, 0.99, 1]) {
      const placeOf = (count: number) => Math.round(share * (count - 1));
      assert.equal(
        magnitudeAt(values, placeOf),
        sortedAt(values, placeOf),
        `${values.length} numbers, ${share}`,
      );
    }
  }
});
