import assert from "node:assert/strict";
import { resultsTable } from "../../src/report/results_table.ts";
import { codesCsv } from "../../src/runs/codes_csv.ts";

Deno.test("resultsTable() aligns labels, decimal points and units", () => {
  const table = resultsTable([
    { label: "test MSE per pixel", value: 0.021341 },
    { label: "  mean image", value: 0.0675, digits: 5 },
    { label: "5-NN accuracy", value: 84.254, digits: 1, unit: "%" },
    { label: "images", value: 10000, digits: 0 },
    { label: "diverged", value: NaN },
    { label: "model", value: "deep", unit: "(3-D)" },
  ]);
  assert.deepEqual(table.split("\n"), [
    "test MSE per pixel      0.0213",
    "  mean image            0.06750",
    "5-NN accuracy          84.3      %",
    "images              10000",
    "diverged              NaN",
    "model                deep        (3-D)",
  ]);
  assert.equal(resultsTable([]), "");
  const evil = "a\x1b[2J\n";
  assert.equal(
    resultsTable([{ label: evil, value: evil, unit: evil }]),
    Array(3).fill("a\\x1b[2J\\n").join("  "),
    "a row stays a row",
  );
});

Deno.test("codesCsv() lists index, label and code", () => {
  const codes = new Float32Array([0.1, -2, 3, 1e-20, NaN, 0]);
  assert.equal(
    codesCsv(codes, new Uint8Array([7, 0]), 3),
    "index,label,code_0,code_1,code_2\n0,7,0.1,-2,3\n1,0,1e-20,NaN,0\n",
  );
  assert.equal(codesCsv(codes.subarray(0, 2), undefined, 2), "index,label,code_0,code_1\n0,,0.1,-2\n");
  assert.equal(
    codesCsv(codes.subarray(4), undefined, 1, Uint32Array.of(12, 5)),
    "index,label,code_0\n12,,NaN\n5,,0\n",
  );
});

Deno.test("codesCsv() writes numbers that read back as the same 32-bit floats", () => {
  const bits = Uint32Array.from({ length: 2000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  const codes = new Float32Array(bits.buffer).filter((value) => Number.isFinite(value));
  const lines = codesCsv(codes, undefined, 1).trimEnd().split("\n").slice(1);
  assert.deepEqual(Float32Array.from(lines, (line) => Number(line.split(",")[2])), codes);
});

Deno.test("codesCsv() refuses arrays that do not fit together", () => {
  assert.throws(() => codesCsv(new Float32Array(5), undefined, 3), RangeError);
  assert.throws(() => codesCsv(new Float32Array(6), new Uint8Array(3), 3), RangeError);
  assert.throws(() => codesCsv(new Float32Array(6), undefined, 3, new Uint32Array(3)), RangeError);
});
