// The line below the results table: said where a result is suspicious, and nowhere else.
import assert from "node:assert/strict";
import type { Evaluation } from "../../src/evaluate/evaluate.ts";
import { verdict } from "../../src/evaluate/verdict.ts";

const GOOD: Evaluation = {
  error: 0.02,
  pcaError: 0.04,
  meanImageError: 0.08,
  codeSize: 2,
  codes: Float32Array.of(0, 1, 0.5, 1, -0.5, 1),
  scores: new Float32Array(),
  columnErrors: new Float64Array(),
  reconstructions: new Float32Array(),
  worst: [],
};

/** Test rows of the user's own data, or of a data set of the catalogue. */
const rowsOf = (images: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>, isOwn = true) => ({
  test: { images, count: 1 },
  ...(isOwn ? { scaling: { kind: "none", offsets: [0], divisors: [1] } as const } : {}),
});
const SHIPPED = rowsOf(Uint8Array.of(0, 10), false);

Deno.test("verdict() names a scale that leaves values tiny or huge, and no other", () => {
  const of = (...values: number[]) => verdict(GOOD, rowsOf(Float32Array.from(values)));
  assert.match(
    of(0, 0.063) ?? "",
    /^verdict {3}the scale looks wrong: .* 0\.063\d* as scaled.*--scale minmax/,
  );
  assert.match(
    of(-171969, 1) ?? "",
    /the scale looks wrong: .*1\.72e\+5 as scaled, so single values outweigh/,
  );
  assert.match(verdict(GOOD, rowsOf(Uint8Array.of(0, 16))) ?? "", /0\.0627 as scaled/);
  assert.equal(of(-4.5, 0.2), undefined);
  assert.equal(verdict(GOOD, rowsOf(Uint8Array.of(0, 255))), undefined);
});

Deno.test.each<[string, Partial<Evaluation>, RegExp]>([
  [
    "a constant code",
    { codes: Float32Array.of(3, 1, 3, 1, 3 + 1e-6, 1) },
    /same for every test image.*learning rate/,
  ],
  ["the mean image", { error: 0.0799 }, /no better than the mean image.*too few steps/],
  ["an error above the mean image's", { error: 0.2 }, /no better than the mean image/],
  ["NaN", { error: NaN }, /no better than the mean image/],
  ["worse than PCA", { error: 0.05 }, /worse than PCA with 2 components.*more epochs/],
  ["equal images", { error: 0, pcaError: 0, meanImageError: 0 }, /nothing to learn/],
])("verdict() names %s", (_what, change, line) => {
  const said = verdict({ ...GOOD, ...change }, SHIPPED);
  assert.match(said ?? "", line);
  assert.match(said ?? "", /^verdict {3}\S[^\n]*$/, "one line");
});

Deno.test("verdict() says nothing of a good model, of one moving code unit, of a single image", () => {
  assert.equal(verdict(GOOD, SHIPPED), undefined);
  assert.equal(verdict({ ...GOOD, codes: Float32Array.of(0, 1, 1e-3, 1) }, SHIPPED), undefined);
  assert.equal(verdict({ ...GOOD, codes: Float32Array.of(0, 1) }, SHIPPED), undefined);
});
