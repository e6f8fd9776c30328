import assert from "node:assert/strict";
import { type Evaluation, evaluationRows } from "../../src/evaluate/evaluate.ts";

const result: Evaluation = {
  ...{ error: 0.1, meanImageError: 0.3, pcaError: 0.2, codeSize: 3 },
  ...{
    scores: new Float32Array(),
    codes: new Float32Array(),
    reconstructions: new Float32Array(),
    columnErrors: new Float64Array(),
    worst: [],
  },
};

Deno.test("evaluationRows() says how far PCA may be from the least error, where that is more than rounding", () => {
  const unitOf = (more: Partial<Evaluation>) =>
    evaluationRows({ ...result, ...more }).find(({ label }) => label === "PCA, 3 components")?.unit;
  assert.equal(unitOf({}), "squared error per pixel, test images");
  assert.equal(
    unitOf({ pcaExcess: 0.01234 }),
    "squared error per pixel, test images; within 1.2 % of the least in training",
  );
});
