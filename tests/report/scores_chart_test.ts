import assert from "node:assert/strict";
import { scoreThreshold } from "../../src/evaluate/score_threshold.ts";
import { scoresChart } from "../../src/report/scores_chart.ts";
import { find, ofClass, pointsOf, readSvg, scaleOf, textsOf, ticksOf } from "../helpers/svg.ts";

const NORMAL = [0.012, 0.013, 0.022, 0.032, 0.041, 0.042, 0.044, 0.053], OTHERS = [0.033, 0.072, 0.084, 0.1];

Deno.test("scoresChart() draws each set in percent of its rows, and the threshold where it is", () => {
  const sets = [{ label: "normal", scores: NORMAL }, { label: "others", scores: OTHERS }];
  const file = scoresChart(sets, { rule: "quantile 0.9", value: 0.06 }), root = readSvg(file);
  const [axes] = ofClass(root, "axes");
  const [x, y] = (["x", "y"] as const).map((side) => scaleOf(ticksOf(axes, side)));
  const bars = ofClass(root, "histogram").map(({ attributes: { d } }) =>
    pointsOf(d)[0].map(([a, b]) => [x(a), y(b)])
  );
  for (const [k, scores] of [NORMAL, OTHERS].entries()) {
    const steps = bars[k].slice(1, -1);
    let total = 0;
    for (let bin = 0; bin < steps.length / 2; bin++) {
      const [[left, share], [right]] = steps.slice(2 * bin, 2 * bin + 2);
      const isLast = bin === steps.length / 2 - 1;
      const inside = scores.filter((score) =>
        score >= left - 1e-4 && (score < right - 1e-4 || isLast && score <= right + 1e-4)
      ).length;
      assert.ok(Math.abs(share - 100 * inside / scores.length) < 0.2, `${left} to ${right}: ${share} %`);
      total += share;
    }
    assert.ok(Math.abs(total - 100) < 1, `${total} %`);
  }
  const mark = find(ofClass(root, "threshold")[0], ({ name }) => name === "line")[0].attributes;
  assert.equal(mark.x1, mark.x2);
  assert.ok(Math.abs(x(Number(mark.x1)) - 0.06) < 1e-4);
  for (
    const text of ["normal: 8 rows", "others: 4 rows", "threshold 0.06000 (quantile 0.9)", "% of the rows"]
  ) {
    assert.ok(textsOf(root).includes(text), text);
  }
  assert.deepEqual(scoresChart(sets, { rule: "quantile 0.9", value: 0.06 }), file);
});

Deno.test("scoresChart() says what it leaves out, and when its axis is logarithmic", () => {
  const many = Array.from({ length: 25 }, () => NORMAL).flat();
  const linear = textsOf(readSvg(scoresChart([{ label: "a", scores: [...many, 3.14159] }])));
  assert.ok(linear.includes("a: 201 rows (1 beyond the last, up to 3.14)"), linear.join("\n"));
  assert.ok(linear.includes("squared error, mean over columns"));
  const far = OTHERS.map((score) => 1000 * score);
  const sets = [{ label: "a", scores: many }, { label: "b", scores: [0, ...far] }];
  const log = textsOf(readSvg(scoresChart(sets)));
  assert.ok(log.includes("squared error, mean over columns (log scale)"), log.join("\n"));
  for (const power of ["0.1", "1", "10", "100"]) assert.ok(log.includes(power), `${power} in ${log}`);
  assert.ok(log.includes("b: 5 rows (1 below the first bin)"), log.join("\n"));
});

Deno.test.each<[string, number[][], number]>([
  ["no rows", [[], []], 0],
  ["zeros", [[0, 0]], 0],
  ["NaN and infinity", [[NaN, 1, Infinity]], 1],
  ["a threshold that is none", [[1, 2]], NaN],
  ["huge numbers", [[1e-30, 1e300], [1]], 1e299],
])("scoresChart() of %s is a chart", (_what, scores, value) => {
  const sets = scores.map((some, k) => ({ label: `<${k}>`, scores: some }));
  const root = readSvg(scoresChart(sets, { rule: "quantile 1", value }));
  assert.equal(ofClass(root, "histogram").length, scores.length);
});

Deno.test("scoreThreshold() is a quantile, or the mean and some standard deviations", () => {
  const errors = Float32Array.of(1, 2, 3, 6);
  assert.deepEqual(scoreThreshold(errors, { quantile: 0.5 }), { rule: "quantile 0.5", value: 2.5 });
  const { rule, value } = scoreThreshold(errors, { quantile: 0.5, deviations: 2 });
  assert.equal(rule, "mean and 2 standard deviations");
  assert.ok(Math.abs(value - (3 + 2 * Math.sqrt(14 / 4))) < 1e-12, `${value}`);
});
