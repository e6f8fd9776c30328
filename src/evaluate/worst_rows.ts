/**
 * The test rows that a model reconstructs worst.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { unscale } from "../data/scaling.ts";
import type { WorstColumn, WorstRow, WorstRows } from "../report/run_data.ts";

/** A test row with its reconstruction. */
export interface WorstReconstruction {
  /** Number of the row among the test rows, from 0. */
  readonly row: number;
  /** Squared error, mean over columns. */
  readonly error: number;
  /** The reconstruction, as scaled for the network, [columns]. */
  readonly reconstruction: Float32Array;
}

/** Number of rows that are kept. */
const WORST = 12;
/** Number of columns that are named per row of a table. */
const COLUMNS = 3;

/**
 * Adds a row to the worst ones, if it is one of them.
 *
 * @param worst the worst rows so far, highest error first; changed
 * @param reconstruct returns the reconstruction; called only if the row is kept
 */
export function keepWorst(
  worst: WorstReconstruction[],
  row: number,
  error: number,
  reconstruct: () => Float32Array,
): void {
  if (worst.length === WORST && !(error > worst[WORST - 1].error)) return;
  const place = worst.findIndex((other) => error > other.error);
  worst.splice(place < 0 ? worst.length : place, 0, { row, error, reconstruction: reconstruct() });
  worst.length = Math.min(WORST, worst.length);
}

/** Describes the worst test rows: images with their reconstructions, or the columns of a table with the largest errors. */
export function worstRows(data: Dataset, worst: readonly WorstReconstruction[]): WorstRows {
  const { test, testRows, width, imageShape } = data;
  const inputs = worst.map(({ row }) => scaledRow(test.unclamped ?? test.images, row, width));
  const isTable = imageShape[0] === 1;
  const rows = worst.map(({ row, error, reconstruction }, k): WorstRow => ({
    row: testRows?.[row] ?? row,
    error,
    ...(test.labels ? { label: test.labels[row] } : {}),
    ...(isTable ? { columns: worstColumns(data, inputs[k], reconstruction) } : {}),
  }));
  const bytes = (images: readonly Float32Array[]) => {
    const joined = new Uint8Array(images.length * width);
    images.forEach((image, k) => joined.set(image.map((value) => 255 * clamped(value) + 0.5), k * width));
    return joined;
  };
  return isTable ? { rows } : {
    rows,
    images: bytes(inputs),
    reconstructions: bytes(worst.map(({ reconstruction }) => reconstruction)),
  };
}

/** A row as the network sees it. */
export function scaledRow(images: Uint8Array | Float32Array, row: number, width: number): Float32Array {
  const own = images.subarray(row * width, (row + 1) * width);
  return own instanceof Uint8Array ? Float32Array.from(own, (byte) => byte / 255) : own;
}

function clamped(value: number): number {
  return Math.max(0, Math.min(1, value));
}

/** The columns with the largest errors, in the units of the data. */
function worstColumns(
  { width, scaling, columns }: Dataset,
  input: Float32Array,
  reconstruction: Float32Array,
): WorstColumn[] {
  const squares = Float64Array.from(input, (value, k) => (value - reconstruction[k]) ** 2);
  const sum = squares.reduce((total, square) => total + square, 0);
  const [values, reconstructed] = [input, reconstruction].map((row) =>
    scaling ? unscale(row, width, scaling) : row
  );
  return Array.from(squares.keys()).sort((a, b) => squares[b] - squares[a]).slice(0, COLUMNS).map((k) => ({
    name: columns?.[k] ?? `column_${k}`,
    value: values[k],
    reconstruction: reconstructed[k],
    share: sum > 0 ? squares[k] / sum : 0,
  }));
}
