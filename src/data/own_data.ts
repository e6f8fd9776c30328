/**
 * Data sets from the user's own files: IDX, NPY or CSV, split into training and test rows by the seed.
 * @module
 */
import { createHash } from "node:crypto";
import { InputError, quote, toOneLine } from "../errors.ts";
import { readCsv } from "./csv.ts";
import type { Dataset, DatasetSplit } from "./dataset.ts";
import { expandIdx, MAX_DECOMPRESSED_BYTES, readIdx, readIdxHeader } from "./idx.ts";
import { HEADER_BYTES, isNpy, readNpy, readNpyHeader } from "./npy.ts";
import { permutation } from "./shuffle.ts";

/** Options of {@link loadOwnData}. */
export interface OwnDataOptions {
  /** Name of the column with classes; only for CSV. */
  readonly label?: string | undefined;
  /** Fraction of the rows held out for testing, in (0, 1). */
  readonly testFraction: number;
  /** Seed of the split. */
  readonly seed: number;
  /** Maximum number of training rows, from the first of the split. */
  readonly limit?: number | undefined;
}

/** Contents of a file of any format. */
interface Table {
  readonly format: string;
  readonly count: number;
  readonly imageShape: readonly [number, number];
  readonly data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly labels?: Uint8Array<ArrayBuffer> | undefined;
  readonly classNames: readonly string[];
}

/** Limit on the size of a file in bytes, as it is kept in memory. */
const MAX_FILE_BYTES = 2 ** 31;
/** Bytes of a CSV file read at a time. */
const PART_BYTES = 2 ** 20;

function fail(path: string, problem: string, settings: readonly string[] = []): never {
  throw new InputError(`Cannot use "${path}" as data: ${problem}`, { settings });
}

/** A file opened for sequential reading. */
interface OpenFile extends Disposable {
  /** Size in bytes. */
  readonly size: number;
  /** Reads up to `most` further bytes, and returns them appended to `after`. */
  read(most: number, after?: Uint8Array): Uint8Array<ArrayBuffer>;
}

function openFile(path: string): OpenFile {
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) fail(path, "no such file; check the path");
      if (error instanceof Deno.errors.NotCapable || !(error instanceof Error)) throw error;
      fail(path, `it cannot be read: ${toOneLine(error.message)}; check the path and its permissions`);
    }
  };
  const { isFile, isDirectory, size } = attempt(() => Deno.statSync(path));
  if (!isFile) {
    fail(path, `expected a file but found ${isDirectory ? "a folder" : "something else"}; name a file`);
  }
  if (size > MAX_FILE_BYTES) {
    const percent = Math.floor(100 * MAX_FILE_BYTES / size);
    fail(
      path,
      `expected at most ${MAX_FILE_BYTES} bytes but it has ${size}; use at most ${percent} % of its rows`,
    );
  }
  const file = attempt(() => Deno.openSync(path));
  return {
    size,
    read: (most, after = new Uint8Array()) =>
      attempt(() => {
        const bytes = new Uint8Array(after.length + most);
        bytes.set(after);
        let end = after.length;
        while (end < bytes.length) {
          const count = file.readSync(bytes.subarray(end));
          if (count === null) break;
          end += count;
        }
        return bytes.subarray(0, end);
      }),
    [Symbol.dispose]: () => file.close(),
  };
}

/** Image shape of a row: a square if possible, else a single line. */
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
        toOneLine(shape.join(", "))
      })`,
    );
  }
  if (data.length === 0) {
    fail(
      path,
      `expected rows of numbers but found shape (${toOneLine(shape.join(", "))}); give another file`,
    );
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

/** Reads a whole file and computes its SHA-256. */
async function readTable(
  path: string,
  label: string | undefined,
): Promise<{ table: Table; checksum: string }> {
  using file = openFile(path);
  const hash = createHash("sha256");
  const head = file.read(Math.min(file.size, HEADER_BYTES));
  if (head.length === 0) fail(path, "expected IDX, NPY or CSV but it is empty; give another file");
  const ending = /\.[^./\\]*$/.exec(path)?.[0].toLowerCase();
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const isIdx = isGzip || (head[0] === 0 && head[1] === 0);
  const isArray = isIdx || isNpy(head) || ending === ".npy";
  if (isArray && label !== undefined) {
    fail(
      path,
      `expected CSV, which can have a column of classes ${quote(label)}, but found ${
        isIdx ? "IDX" : "NPY"
      }; name no column`,
      ["label"],
    );
  }
  if (isArray) {
    const dimensions = (head: Uint8Array) => head[3] === 2 ? 2 : 3;
    // rejects a wrong header before reading the rest
    if (!isIdx) readNpyHeader(head, path, file.size);
    else if (!isGzip) readIdxHeader(head, path, dimensions(head), file.size);
    else if (file.size > MAX_DECOMPRESSED_BYTES) {
      fail(
        path,
        `expected at most ${MAX_DECOMPRESSED_BYTES} bytes of gzip but it has ${file.size}; decompress it first`,
      );
    }
    const bytes = file.read(file.size - head.length, head);
    const checksum = hash.update(bytes).digest("hex");
    if (!isIdx) return { table: arrayTable(path, "NPY", readNpy(bytes, path)), checksum };
    const expanded = expandIdx(bytes, path);
    return { table: arrayTable(path, "IDX", readIdx(expanded, path, dimensions(expanded))), checksum };
  }
  if (head[0] === 0x50 && head[1] === 0x4b) {
    fail(path, "expected IDX, NPY or CSV but found a zip archive; unpack it (an NPZ file holds NPY files)");
  }
  function* parts(): Generator<Uint8Array> {
    for (let part = head; part.length > 0; part = file.read(PART_BYTES)) {
      hash.update(part);
      yield part;
    }
  }
  const { width, data, labels, classNames } = await readCsv(parts(), path, label);
  const [format, count, imageShape] = ["CSV", data.length / width, pictureShape(width)];
  return { table: { format, count, imageShape, data, labels, classNames }, checksum: hash.digest("hex") };
}

/** Reorders a table's rows in place, as a copy would double the memory. */
function reorder({ data, labels }: Table, width: number, order: Uint32Array): void {
  const placed = new Uint8Array(order.length), held = data.slice(0, width);
  for (let first = 0; first < order.length; first++) {
    if (placed[first]) continue;
    // follows a cycle of the permutation: each row moves to the slot freed by the previous one
    held.set(data.subarray(first * width, (first + 1) * width));
    const heldLabel = labels?.[first] ?? 0;
    let to = first;
    for (let from = order[to]; from !== first; to = from, from = order[to]) {
      data.copyWithin(to * width, from * width, (from + 1) * width);
      if (labels) labels[to] = labels[from];
      placed[to] = 1;
    }
    data.set(held, to * width);
    if (labels) labels[to] = heldLabel;
    placed[to] = 1;
  }
}

/** Returns `count` rows from row `first`: a copy if the rest of the table is to be freed, else a view. */
function rowsOf(
  { data, labels }: Table,
  { width, first, count, copies }: { width: number; first: number; count: number; copies: boolean },
): DatasetSplit {
  const part = copies ? "slice" : "subarray";
  return {
    images: data[part](first * width, (first + count) * width),
    labels: labels?.[part](first, first + count),
    count,
  };
}

/**
 * Loads a file as a data set. The format is detected from the file's first bytes: IDX (unsigned bytes, also
 * gzip) and NPY of shape [n, d] or [n, h, w], or CSV with a header. Bytes are pixels from 0 to 255; floats
 * must be in [0, 1] and stay floats. The split depends only on the number of rows, the fraction and the seed.
 *
 * Needs `--allow-read` for the file.
 *
 * ```ts
 * import { loadOwnData } from "@bottleneck/bottleneck";
 *
 * const file = "fixtures/fashion-mnist-mini/t10k-images-idx3-ubyte.gz";
 * const { train, test } = await loadOwnData(file, { testFraction: 0.2, seed: 0 });
 * console.log(train.count, test.count); // 1600 400
 * ```
 *
 * @param path path of the file
 * @throws {InputError} if the file does not exist or has other contents, with the position of the mistake
 */
export async function loadOwnData(path: string, options: OwnDataOptions): Promise<Dataset> {
  const { label, testFraction, seed, limit = Infinity } = options;
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new InputError(
      `Cannot split "${path}": expected a test fraction between 0 and 1 but received ${testFraction}`,
    );
  }
  const { table, checksum } = await readTable(path, label);
  const { count, imageShape, format, data } = table;
  if (count < 2) {
    fail(path, `expected at least 2 rows, one to train on and one to test on, but found ${count}`);
  }
  const width = imageShape[0] * imageShape[1];
  const order = permutation(count, seed, 0, "split");
  reorder(table, width, order);
  const testCount = Math.min(count - 1, Math.max(1, Math.round(count * testFraction)));
  const trainCount = Math.min(limit, count - testCount), copies = trainCount < count - testCount;
  const number = (n: number) => n.toLocaleString("en-US");
  const training = trainCount === count - testCount
    ? number(trainCount)
    : `the first ${number(trainCount)} of ${number(count - testCount)}`;
  return {
    name: path,
    source: `${training} training and ${number(testCount)} test rows of ${imageShape.join("×")} ` +
      `${data instanceof Float32Array ? "floats" : "bytes"} from "${path}" (${format})`,
    checksum,
    width,
    imageShape,
    classNames: table.classNames,
    train: rowsOf(table, { width, first: testCount, count: trainCount, copies }),
    test: rowsOf(table, { width, first: 0, count: testCount, copies }),
  };
}
