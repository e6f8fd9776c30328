/**
 * A data set out of one file of the user's own: IDX, NPY or CSV, split into training and test rows by the seed.
 * @module
 */
import { InputError, oneLine, shown } from "../errors.ts";
import { sha256 } from "./catalogue.ts";
import { readCsv } from "./csv.ts";
import type { Dataset, DatasetSplit } from "./dataset.ts";
import { expandIdx, readIdx } from "./idx.ts";
import { isNpy, readNpy } from "./npy.ts";
import { permutation } from "./shuffle.ts";

/** Which file, and how it is split. */
export interface OwnDataOptions {
  /** The CSV column that holds classes; only for CSV. */
  readonly label?: string | undefined;
  /** Share of the rows that are held out for testing, in (0, 1). */
  readonly testFraction: number;
  /** The seed that decides which. */
  readonly seed: number;
  /** Use only the first so many training rows of the split. */
  readonly limit?: number | undefined;
}

/** What a file holds, whatever its format. */
interface Table {
  readonly format: string;
  readonly count: number;
  readonly imageShape: readonly [number, number];
  readonly data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly labels?: Uint8Array<ArrayBuffer> | undefined;
  readonly classNames: readonly string[];
}

/** More than any set this project is meant for, and little enough to read. */
const MAX_FILE_BYTES = 2 ** 29;

function fail(path: string, problem: string): never {
  throw new InputError(`Cannot use "${path}" as data: ${problem}`);
}

async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { isFile, isDirectory, size } = await Deno.stat(path);
    if (!isFile) {
      fail(path, `expected a file but found ${isDirectory ? "a folder" : "something else"}; name a file`);
    }
    if (size > MAX_FILE_BYTES) {
      fail(path, `expected at most ${MAX_FILE_BYTES} bytes but it has ${size}; use fewer rows`);
    }
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) fail(path, "there is no such file; check the path");
    if (error instanceof InputError || error instanceof Deno.errors.NotCapable || !(error instanceof Error)) {
      throw error;
    }
    fail(
      path,
      `it cannot be read: ${oneLine(error.message)}; check the path and who may read it`,
    );
  }
}

/** Rows and columns of a row's picture: a square if it can be one, else a single line. */
function pictureShape(width: number): readonly [number, number] {
  const side = Math.round(Math.sqrt(width));
  return side * side === width ? [side, side] : [1, width];
}

/** Checks an array's shape, [n, d] or [n, h, w]. */
function arrayTable(
  path: string,
  format: string,
  { shape, data }: Pick<Table, "data"> & { shape: readonly number[] },
): Table {
  if (shape.length !== 2 && shape.length !== 3) {
    fail(
      path,
      `expected 2 dimensions (rows, numbers) or 3 (rows, height, width) but found ${shape.length}: (${
        oneLine(shape.join(", "))
      })`,
    );
  }
  if (data.length === 0) {
    fail(path, `expected rows of numbers but found shape (${oneLine(shape.join(", "))}); give another file`);
  }
  const imageShape = shape.length === 3 ? [shape[1], shape[2]] as const : pictureShape(shape[1]);
  if (data instanceof Float32Array) {
    const bad = data.findIndex((value) => !(value >= 0 && value <= 1));
    if (bad >= 0) {
      const index: number[] = [];
      let rest = bad;
      for (const length of shape.toReversed()) {
        index.unshift(rest % length);
        rest = Math.floor(rest / length);
      }
      fail(
        path,
        `expected floats in [0, 1] but found ${data[bad]} at [${index.join(", ")}]; scale them to [0, 1]`,
      );
    }
  }
  return { format, count: shape[0], imageShape, data, classNames: [] };
}

function readTable(bytes: Uint8Array<ArrayBuffer>, path: string, label: string | undefined): Table {
  if (bytes.length === 0) fail(path, "expected IDX, NPY or CSV but it is empty; give another file");
  const ending = /\.[^./\\]*$/.exec(path)?.[0].toLowerCase();
  const isIdx = (bytes[0] === 0 && bytes[1] === 0) || (bytes[0] === 0x1f && bytes[1] === 0x8b);
  const isArray = isIdx || isNpy(bytes) || ending === ".npy";
  if (isArray && label !== undefined) {
    fail(
      path,
      `expected CSV, as --label ${shown(label)} names a column, but found ${
        isIdx ? "IDX" : "NPY"
      }; leave --label out`,
    );
  }
  if (isIdx) {
    const file = expandIdx(bytes, path);
    return arrayTable(path, "IDX", readIdx(file, path, file[3] === 2 ? 2 : 3));
  }
  if (isArray) return arrayTable(path, "NPY", readNpy(bytes, path));
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) {
    fail(path, "expected IDX, NPY or CSV but found a zip archive; unpack it (an NPZ file holds NPY files)");
  }
  const { width, data, labels, classNames } = readCsv(bytes, path, label);
  return {
    format: "CSV",
    count: data.length / width,
    imageShape: pictureShape(width),
    data,
    labels,
    classNames,
  };
}

/** The named rows. */
function take({ data, labels }: Table, width: number, rows: Uint32Array): DatasetSplit {
  const images = data instanceof Float32Array
    ? new Float32Array(rows.length * width)
    : new Uint8Array(rows.length * width);
  rows.forEach((row, at) => images.set(data.subarray(row * width, (row + 1) * width), at * width));
  return { images, labels: labels && Uint8Array.from(rows, (row) => labels[row]), count: rows.length };
}

/**
 * Loads a file as a data set. The format is known by the file's first bytes: IDX (unsigned bytes, also gzip) and NPY
 * of shape [n, d] or [n, h, w], or CSV with a header. Bytes are pixels from 0 to 255; floats must be in [0, 1] and
 * are kept as they are. Which rows are held out depends on the number of rows, the fraction and the seed alone.
 *
 * Needs `--allow-read` for the file.
 *
 * @param path the file
 * @throws {InputError} if there is no such file, or it holds anything else, in one line with the place
 */
export async function loadOwnData(path: string, options: OwnDataOptions): Promise<Dataset> {
  const { label, testFraction, seed, limit = Infinity } = options;
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new InputError(
      `Cannot split "${path}": expected a test fraction between 0 and 1 but received ${testFraction}`,
    );
  }
  const bytes = await readFile(path);
  const table = readTable(bytes, path, label);
  const { count, imageShape, format, data } = table;
  if (count < 2) {
    fail(path, `expected at least 2 rows, one to train on and one to test on, but found ${count}`);
  }
  const width = imageShape[0] * imageShape[1];
  const order = permutation(count, seed, 0, "split");
  const testCount = Math.min(count - 1, Math.max(1, Math.round(count * testFraction)));
  const trainCount = Math.min(limit, count - testCount);
  const number = (n: number) => n.toLocaleString("en-US");
  const training = trainCount === count - testCount
    ? number(trainCount)
    : `the first ${number(trainCount)} of ${number(count - testCount)}`;
  return {
    name: path,
    source: `${training} training and ${number(testCount)} test rows of ${imageShape.join("×")} ` +
      `${data instanceof Float32Array ? "floats" : "bytes"} from "${path}" (${format})`,
    checksum: sha256(bytes),
    width,
    imageShape,
    classNames: table.classNames,
    train: take(table, width, order.subarray(testCount, testCount + trainCount)),
    test: take(table, width, order.subarray(0, testCount)),
  };
}
