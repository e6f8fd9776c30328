import assert from "node:assert/strict";
import { RandomStream } from "../../src/random.ts";
import { sharedHistogram } from "../../src/stats/shared_histogram.ts";

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

Deno.test("sharedHistogram() counts every number once, in the bin between its edges", () => {
  const { isLog, edges, samples } = sharedHistogram([[0, 0.1, 0.1, 0.35, 1], [0.5, 0.99]]);
  assert.deepEqual([isLog, edges.length, edges[0], edges.at(-1)], [false, 11, 0, 1]);
  assert.deepEqual(samples[0].counts, [1, 2, 0, 1, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual(samples[1].counts, [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  assert.deepEqual(samples.map(({ below, above, most }) => [below, above, most]), [[0, 0, 1], [0, 0, 0.99]]);
});

Deno.test("sharedHistogram() leaves one outlier out, and says so", () => {
  const usual = Array.from({ length: 200 }, (_, k) => 0.01 + k / 20_000);
  const { isLog, edges, samples: [{ counts, above, most }] } = sharedHistogram([[...usual, 500, NaN]]);
  assert.equal(isLog, false);
  assert.ok(edges.at(-1)! < 0.03, `${edges.at(-1)}`);
  assert.deepEqual([sum(counts) + above, most], [202, 500]);
  assert.ok(above >= 2 && above <= 5, `${above}`);
});

Deno.test("sharedHistogram() has logarithmic bins where a whole sample is far away", () => {
  const random = new RandomStream(1, "scores"), unit = () => random.nextUnit();
  const normal = Array.from({ length: 1000 }, () => 0.01 + 0.01 * unit());
  const others = Array.from({ length: 40 }, () => 1 + 9 * unit());
  const { isLog, edges, samples } = sharedHistogram([normal, [...others, 0]], [0.02]);
  assert.equal(isLog, true);
  assert.equal(edges.length, 21, "2 · ∛1000 bins");
  const ratios = edges.slice(1).map((edge, k) => edge / edges[k]);
  assert.ok(ratios.every((ratio) => Math.abs(ratio - ratios[0]) < 1e-9));
  assert.ok(edges[0] >= 0.01 && edges[0] < 0.0105 && edges.at(-1) === samples[1].most);
  assert.deepEqual([samples[1].below, sum(samples[1].counts)], [1, 40]);
  assert.equal(sum(samples[0].counts) + samples[0].below, 1000);
});

Deno.test.each<[string, number[][], number[]]>([
  ["no numbers", [[]], []],
  ["equal numbers", [[3, 3, 3]], [3]],
  ["zeros", [[0, 0], [0]], [0]],
  ["zeros and one far number", [[0, 0, 0], [7]], []],
  ["nothing finite", [[NaN, Infinity]], []],
  ["a mark that is none", [[0.5, 1]], [NaN, Infinity]],
  ["a mark far away", [[0.5, 1]], [1e6]],
  ["numbers from 1e-300 to 1e300", [[1e-300, 1], [1e300]], []],
])("sharedHistogram() of %s has rising edges that hold the marks", (_what, samples, marks) => {
  const { edges, samples: counted } = sharedHistogram(samples, marks);
  assert.ok(edges.every((edge, k) => Number.isFinite(edge) && (k === 0 || edge > edges[k - 1])), `${edges}`);
  for (const mark of marks.filter(Number.isFinite)) {
    assert.ok(edges[0] <= mark && mark <= edges.at(-1)!, `${mark} in ${edges}`);
  }
  counted.forEach(({ counts, below, above }, k) =>
    assert.equal(sum(counts) + below + above, samples[k].length)
  );
});
