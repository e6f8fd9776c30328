import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import { keepWorst, type WorstReconstruction, worstRows } from "../../src/evaluate/worst_rows.ts";
import { RandomStream } from "../../src/random.ts";

Deno.test("keepWorst() keeps the twelve rows with the highest errors, highest first", () => {
  const random = new RandomStream(3, "errors");
  const errors = Array.from({ length: 300 }, () => Math.floor(40 * random.nextUnit())); // with ties
  for (const count of [0, 5, 12, 300]) {
    const worst: WorstReconstruction[] = [];
    let made = 0;
    errors.slice(0, count).forEach((error, row) => {
      keepWorst(worst, row, error, () => Float32Array.of(row, made++));
    });
    const expected = errors.slice(0, count).map((error, row) => ({ row, error }))
      .sort((a, b) => b.error - a.error || a.row - b.row).slice(0, 12);
    assert.deepEqual(worst.map(({ row, error }) => ({ row, error })), expected);
    assert.ok(worst.every(({ row, reconstruction }) => reconstruction[0] === row));
    assert.ok(made <= Math.max(12, count / 3), `${made} reconstructions of ${count}`);
  }
});

const SOME = { name: "made up", source: "made up", checksum: "0", classNames: ["a", "b"] };

Deno.test("worstRows() names the columns that are furthest off, in the data's units", () => {
  const images = Float32Array.of(0, 0, 0, 0, 0.5, 1, 0.25, 0), labels = Uint8Array.of(0, 1);
  const data: Dataset = {
    ...SOME,
    width: 4,
    imageShape: [1, 4],
    columns: ["mass", "size", "age", "rate"],
    scaling: { kind: "minmax", offsets: [10, 0, -1, 0], divisors: [100, 1, 2, 8] },
    train: { images, labels, count: 2 },
    test: { images, labels, count: 2 },
  };
  const reconstruction = Float32Array.of(0.5, 0.5, 0.5, 1); // off by 0, -0.5, 0.25 and 1
  const worst = [{ row: 1, error: 1.3125 / 4, reconstruction }];
  const columns = [
    { name: "rate", value: 0, reconstruction: 8, share: 1 / 1.3125 },
    { name: "size", value: 1, reconstruction: 0.5, share: 0.25 / 1.3125 },
    { name: "age", value: -0.5, reconstruction: 0, share: 0.0625 / 1.3125 },
  ];
  assert.deepEqual(worstRows(data, worst), { rows: [{ row: 1, error: 1.3125 / 4, label: 1, columns }] });
  const numbered = worstRows({ ...data, testRows: Uint32Array.of(3, 40) }, worst).rows[0];
  assert.deepEqual(numbered, { row: 40, error: 1.3125 / 4, label: 1, columns }, "its number in the file");
  const { columns: _names, ...unnamed } = data;
  assert.deepEqual(worstRows(unnamed, worst).rows[0].columns!.map(({ name }) => name), [
    "column_3",
    "column_1",
    "column_2",
  ]);
});

Deno.test("worstRows() of images has them with their reconstructions, as bytes", () => {
  const images = Uint8Array.of(0, 51, 102, 255, 1, 2, 3, 4);
  const data: Dataset = {
    ...SOME,
    width: 4,
    imageShape: [2, 2],
    train: { images, count: 2 },
    test: { images, count: 2 },
  };
  const worst = [
    { row: 1, error: 2, reconstruction: Float32Array.of(-0.5, 0.2, 1.5, 0.399) },
    { row: 0, error: 1, reconstruction: Float32Array.of(0, 0, 0, 1) },
  ];
  assert.deepEqual(worstRows(data, worst), {
    rows: [{ row: 1, error: 2 }, { row: 0, error: 1 }],
    images: Uint8Array.of(1, 2, 3, 4, 0, 51, 102, 255),
    reconstructions: Uint8Array.of(0, 51, 255, 102, 0, 0, 0, 255),
  });
});
