import assert from "node:assert/strict";
import { philox, RandomStream } from "../../src/random.ts";

// The known answers that the authors publish with their library (Random123, file kat_vectors).
Deno.test.each([
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
])("philox() gives the published answer for counter %j", (counter, key, answer) => {
  assert.deepEqual(philox(counter as [number, number, number, number], key as [number, number]), answer);
});

Deno.test("RandomStream repeats for one name and seed, and differs for another", () => {
  const draw = (seed: number, name: string, substream = 0) => {
    const stream = new RandomStream(seed, name, substream);
    return Array.from({ length: 9 }, () => stream.nextUint32());
  };
  assert.deepEqual(draw(7, "shuffle"), draw(7, "shuffle"));
  assert.notDeepEqual(draw(7, "shuffle"), draw(8, "shuffle"));
  assert.notDeepEqual(draw(7, "shuffle"), draw(7, "weights"));
  assert.notDeepEqual(draw(7, "shuffle", 0), draw(7, "shuffle", 1));
});

Deno.test("RandomStream.nextUnit() is uniform on [0, 1)", () => {
  const stream = new RandomStream(1, "test");
  const bins = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) bins[Math.floor(stream.nextUnit() * 10)]++;
  // chi-squared with 9 degrees of freedom: 27.9 is its 0.1 % point
  const chiSquared = bins.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquared < 27.9, `chi-squared ${chiSquared}`);
});

Deno.test("RandomStream.nextBelow() reaches every value below the limit and none above", () => {
  const stream = new RandomStream(1, "below");
  const seen = new Set(Array.from({ length: 200 }, () => stream.nextBelow(7)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
});
