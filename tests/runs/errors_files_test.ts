// scores.safetensors and worst.safetensors: what a run keeps of the errors of its test rows.
import assert from "node:assert/strict";
import { join } from "node:path";
import { InputError } from "../../src/errors.ts";
import { decodeMixedSafetensors, encodeSafetensors, writeSafetensors } from "../../src/files/safetensors.ts";
import type { WorstRows } from "../../src/report/run_data.ts";
import { readScores, readTestErrors, writeScores } from "../../src/runs/scores_file.ts";
import { loadWorstRows, saveWorstRows } from "../../src/runs/worst_rows_file.ts";
import { withFolder } from "../helpers/commands.ts";

const IMAGES: WorstRows = {
  rows: [{ row: 7, label: 2, error: 0.5 }, { row: 0, label: 1, error: 0.25 }],
  images: Uint8Array.from({ length: 12 }, (_, k) => 20 * k),
  reconstructions: Uint8Array.from({ length: 12 }, (_, k) => 250 - 20 * k),
};
const TABLE: WorstRows = {
  rows: [{ row: 3, error: NaN, columns: [{ name: 'a "b"', value: 1, reconstruction: NaN, share: 0.5 }] }],
};

Deno.test("errors are read back, with and without those of held-out classes", () =>
  withFolder((path) => {
    assert.equal(readTestErrors({ path }), undefined);
    for (const anomalies of [[], [{ anomalies: Float32Array.of(9) }]].map(([more]) => ({ ...more }))) {
      const errors = { scores: Float32Array.of(1, 2, 3), ...anomalies };
      writeScores(path, errors);
      assert.deepEqual(readTestErrors({ path }), errors);
    }
    const run = { path, recipe: "deep", startedAt: "", config: {}, facts: {} };
    assert.deepEqual(readScores(run), Float32Array.of(1, 2, 3));
    const file = join(path, "scores.safetensors"), data = Float32Array.of(1);
    for (const names of [["anomalies"], ["scores", "others"], []]) {
      writeSafetensors(file, names.map((name) => ({ name, shape: [1], data })));
      assert.throws(
        () => readTestErrors({ path }),
        /expected scores\.safetensors to hold "scores" and at most/,
      );
    }
  }));

Deno.test("worst rows are read back, of images and of tables", () =>
  withFolder((folder) => {
    for (const worst of [IMAGES, TABLE, { rows: [] }]) {
      saveWorstRows(folder, worst);
      const rows = worst.rows.map((row) => ({ ...row, error: Math.fround(row.error) }));
      assert.deepEqual(loadWorstRows(folder, 6), { ...worst, rows });
    }
  }));

type File = ReturnType<typeof decodeMixedSafetensors>;
const withRows = (rows: string) => ({ tensors, metadata }: File): File => ({
  tensors,
  metadata: { ...metadata, rows },
});
const without = (...names: string[]) => ({ tensors, metadata }: File): File => ({
  tensors: tensors.filter(({ name }) => !names.includes(name)),
  metadata,
});

Deno.test.each<[string, (file: File) => File]>([
  [
    "has another format",
    ({ tensors }) => ({ tensors, metadata: { format: "bottleneck-worst-0", rows: "[]" } }),
  ],
  ["has no JSON", withRows("[")],
  ["has more rows than errors", withRows(JSON.stringify([1, 2, 3].map((row) => ({ row }))))],
  ["has a row that is none", withRows(JSON.stringify([{ row: 1 }, { row: -1 }]))],
  ["has a class that is none", withRows(JSON.stringify([{ row: 1, label: "x" }, { row: 2 }]))],
  ["has columns that are none", withRows(JSON.stringify([{ row: 1, columns: [{ name: "a" }] }, { row: 2 }]))],
  ["lacks errors", without("errors")],
  ["lacks reconstructions", without("reconstructions")],
])("loadWorstRows() refuses a file that %s", (_what, change) =>
  withFolder((folder) => {
    saveWorstRows(folder, IMAGES);
    assert.throws(() => loadWorstRows(folder, 5), InputError, "images of another size");
    const path = join(folder, "worst.safetensors");
    const { tensors, metadata } = change(decodeMixedSafetensors(Deno.readFileSync(path)));
    Deno.writeFileSync(path, encodeSafetensors(tensors, metadata));
    assert.throws(
      () => loadWorstRows(folder, 6),
      /^InputError: Cannot read ".*worst\.safetensors": expected rows/,
    );
  }));
