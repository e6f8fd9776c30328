/**
 * Data sets from the user's own files, split into training and test rows by the seed, and scaled by the training rows.
 * @module
 */
import { createHash } from "node:crypto";
import { InputError, quote } from "../errors.ts";
import { cannotUse } from "./cannot_use.ts";
import type { Dataset, DatasetSplit } from "./dataset.ts";
import { rowsWithout } from "./hold_out_classes.ts";
import type { ReadOptions } from "./read_table.ts";
import {
  applyScaling,
  columnMeans,
  countOutside,
  decideScaling,
  isImageTable,
  type Rows,
  type SCALES,
  type Scaling,
} from "./scaling.ts";
import { permutation } from "./shuffle.ts";
import { classesOf, type Remark, type Table } from "./table.ts";

/** Options of {@link loadOwnData}. */
export interface OwnDataOptions extends ReadOptions {
  /** Fraction of the rows held out for testing, in (0, 1). */
  readonly testFraction: number;
  /** Seed of the split. */
  readonly seed: number;
  /** Path of a file with the rows for testing; then no rows of the first are held out. */
  readonly testData?: string | undefined;
  /** Path of a file with the class of each of these rows. */
  readonly testLabels?: string | undefined;
  /**
   * Names of classes that are not learned from: their training rows give no constant of the scaling. They stay in the
   * data set, until `holdOutClasses()` removes them.
   */
  readonly holdOutClass?: readonly string[] | undefined;
  /** Maximum number of training rows, from the first of the split. */
  readonly limit?: number | undefined;
  /**
   * Scaling: chosen by the values (`auto`, the default), a kind, or the constants of an earlier run; `older` for a run
   * without constants, which divided bytes by 255 and learned floats as they were.
   */
  readonly scale?: typeof SCALES[number] | "auto" | "older" | Scaling | undefined;
  /**
   * Height and width of the images that rows are; `none` for a table, whose columns are scaled one by one; found by
   * the shape and the values if absent.
   */
  readonly image?: readonly [number, number] | "none" | undefined;
}

/** A data set of the user's own. */
export interface OwnDataset extends Dataset {
  /** Scaling of the values. */
  readonly scaling: Scaling;
  /** Description of the values and their scaling, in a line. */
  readonly scalingLine: string;
  /** Remarks on how the file was read, one line each. */
  readonly notes: readonly string[];
  /** Warnings about the contents, one line each. */
  readonly warnings: readonly Remark[];
}

/** Reorders a table's rows in place, as a copy would double the memory. */
function reorder(
  { values: data, labels }: Pick<Table, "values" | "labels">,
  width: number,
  order: Uint32Array,
): void {
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

/** Layout of rows: the shape in which they are drawn, and whether they are images that share their scaling. */
interface Layout {
  readonly imageShape: Dataset["imageShape"];
  readonly isImages: boolean;
}

/** Returns the layout of a table's rows. */
function layoutOf(
  path: string,
  { shape }: Pick<Table, "shape">,
  train: Rows,
  image: OwnDataOptions["image"],
): Layout {
  const { width } = train;
  if (image === "none") return { imageShape: [1, width], isImages: false };
  if (image !== undefined) {
    const [height, columns] = image;
    if (height * columns !== width) {
      cannotUse(
        path,
        `expected ${height}×${columns} = ${height * columns} numbers per row but found ${width}`,
        [
          "image",
        ],
      );
    }
    return { imageShape: image, isImages: true };
  }
  const [colors, height, columns] = shape;
  if (colors === 3 && shape.length === 3) return { imageShape: [height, columns, 3], isImages: true };
  if (shape.length > 1) return { imageShape: [width / shape.at(-1)!, shape.at(-1)!], isImages: true };
  if (isImageTable(train)) return { imageShape: squareOr(width), isImages: true };
  return { imageShape: [1, width], isImages: false };
}

/** A square if the width is that of one, else a single line. */
function squareOr(width: number): readonly [number, number] {
  const side = Math.round(Math.sqrt(width));
  return side * side === width ? [side, side] : [1, width];
}

/** True if all rows are the same. */
function areEqual({ values, width }: Rows): boolean {
  return values.length > width && values.every((value, k) => value === values[k % width]);
}

/** Returns `count` rows from row `first`: a copy if the rest of the table is to be freed, else a view. */
function rowsOf(
  images: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
  labels: Table["labels"],
  { width, first, count, copies }: { width: number; first: number; count: number; copies: boolean },
): DatasetSplit {
  const part = copies ? "slice" : "subarray";
  return {
    images: images[part](first * width, (first + count) * width),
    labels: labels?.[part](first, first + count),
    count,
  };
}

/**
 * Loads a file as a data set. The format is detected from the file's first bytes. Values of any range are scaled by
 * constants of the training rows, as docs/data.md has it: whole numbers up to 255 in images stay bytes, others become
 * floats. The split depends only on the number of rows, the fraction and the seed.
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
export async function loadOwnData(path: string, options: OwnDataOptions): Promise<OwnDataset> {
  const { testFraction, limit = Infinity, image } = options;
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new InputError(
      `Cannot split "${path}": expected a test fraction between 0 and 1 but received ${testFraction}`,
    );
  }
  const { table, testCount, testRows, checksum, testPath } = await readRows(path, options);
  const { count, format, values } = table;
  const width = values.length / count;
  const training = { values: values.subarray(testCount * width), width };
  const layout = layoutOf(path, table, training, image), { isImages } = layout;
  const found = decide(learnedRows(training, table, options.holdOutClass), options, isImages);
  // values of a table that are learned as they are may be images that were scaled before
  const isSquare = !isImages && image === undefined && found.scaling.kind === "none";
  const imageShape = isSquare ? squareOr(width) : layout.imageShape;
  const areSame = areEqual(training);
  const images = applyScaling({ values, width }, found.scaling); // overwrites the values
  const trainCount = Math.min(limit, count - testCount), copies = trainCount < count - testCount;
  const outside = countOutside(images.subarray(0, testCount * width), width);
  const learned = learnedRows(
    { values: images.subarray(testCount * width), width },
    table,
    options.holdOutClass,
  );
  const isInside = countOutside(learned.values, width) === 0;
  const number = (n: number) => n.toLocaleString("en-US");
  const trained = copies
    ? `the first ${number(trainCount)} of ${number(count - testCount)}`
    : number(trainCount);
  const { labels, classNames } = table;
  return {
    name: path,
    source: `${trained} training and ${number(testCount)} test rows of ${imageShape.join("×")} ` +
      `${images instanceof Float32Array ? "floats" : "bytes"} from "${path}"${
        testPath === undefined ? "" : ` and "${testPath}"`
      } (${format})`,
    checksum,
    width,
    imageShape,
    classNames,
    columns: table.columns?.length === width ? table.columns : undefined,
    train: rowsOf(images, labels, { width, first: testCount, count: trainCount, copies }),
    test: rowsOf(images, table.hasTestLabels ? labels : undefined, {
      width,
      first: 0,
      count: testCount,
      copies,
    }),
    testRows,
    scaling: found.scaling,
    scalingLine: `${
      isImages ? `${imageShape.join("×")} images` : `a table of ${columns(width)}`
    }, ${found.line}`,
    notes: [
      ...table.notes,
      ...(isInside && outside > 0
        ? [`${number(outside)} of ${number(testCount)} test rows have values beyond the training rows' range`]
        : []),
      ...(areSame ? ["all training rows are the same: there is nothing to learn"] : []),
      ...(count < 10
        ? [`only ${count} rows, of which ${testCount} ${testCount > 1 ? "are" : "is"} for testing`]
        : []),
    ],
    warnings: table.warnings,
  };
}

/** Returns the training rows without held-out classes, from which no constant comes. */
function learnedRows<Values extends Rows["values"]>(
  { values, width }: { readonly values: Values; readonly width: number },
  { labels, classNames }: Pick<Table, "labels" | "classNames">,
  names: readonly string[] = [],
): { readonly values: Values; readonly width: number } {
  if (!labels || names.length === 0) return { values, width };
  const held = new Set(names.map((name) => classNames.indexOf(name)));
  const trained = labels.subarray(labels.length - values.length / width);
  const { images, count } = rowsWithout(values, trained, width, held);
  return { values: count === 0 ? values : images, width }; // holdOutClasses() refuses to learn from none
}

/** All rows of a data set: those for testing, then those for training. */
interface SplitRows {
  readonly table: Omit<Table, "rows"> & { readonly hasTestLabels: boolean };
  readonly testCount: number;
  /** Number of each test row in its file. */
  readonly testRows: Uint32Array<ArrayBuffer>;
  readonly checksum: string;
  /** Path of the test rows' own file. */
  readonly testPath?: string | undefined;
}

/** Reads the rows, and splits them if the test rows have no file or array of their own. */
async function readRows(path: string, options: OwnDataOptions): Promise<SplitRows> {
  const { testFraction, seed, testData, testLabels } = options;
  const { readTable } = await import("./read_table.ts"); // not before: most trainings need no reader of files
  const { table, test, checksum } = await readTable(path, options);
  if (testData !== undefined) {
    const other = await readTable(testData, { ...options, labels: testLabels, isTest: true });
    return {
      ...joined(path, table, other.table, testData),
      checksum: createHash("sha256").update(checksum + other.checksum).digest("hex"),
      testPath: testData,
    };
  }
  if (test) return { ...joined(path, table, test, path), checksum };
  const { count, values } = table;
  if (count < 2) {
    cannotUse(path, `expected at least 2 rows, one to train on and one to test on, but found ${count}`);
  }
  const order = permutation(count, seed, 0, "split");
  reorder(table, values.length / count, order);
  const testCount = Math.min(count - 1, Math.max(1, Math.round(count * testFraction)));
  const testRows = order.slice(0, testCount).map((row) => table.rows?.[row] ?? row);
  return { table: { ...table, hasTestLabels: true }, testCount, testRows, checksum };
}

/** Puts test rows before training rows, with the classes of both. */
function joined(
  path: string,
  train: Table,
  test: Table,
  testPath: string,
): Pick<SplitRows, "table" | "testCount" | "testRows"> {
  if (train.shape.join() !== test.shape.join()) {
    cannotUse(
      testPath,
      `expected rows of ${train.shape.join("×")}, as in ${quote(path)}, but found ${test.shape.join("×")}`,
      ["testData"],
    );
  }
  const length = test.values.length + train.values.length;
  const parts = [test.values, train.values];
  const values = parts.every((part) => part instanceof Uint8Array)
    ? new Uint8Array(length)
    : parts.some((part) => part instanceof Float64Array)
    ? new Float64Array(length)
    : new Float32Array(length);
  values.set(test.values);
  values.set(train.values, test.values.length);
  const textsOf = ({ labels, classNames }: Table) => Array.from(labels ?? [], (label) => classNames[label]);
  const hasTestLabels = test.labels !== undefined;
  const texts = [
    ...(hasTestLabels ? textsOf(test) : Array<string>(test.count).fill(train.classNames[0])),
    ...textsOf(train),
  ];
  return {
    table: {
      ...train,
      count: test.count + train.count,
      values,
      ...(train.labels === undefined ? { labels: undefined } : classesOf(texts, path, "the files")),
      notes: [...train.notes, ...test.notes.filter((note) => !train.notes.includes(note))],
      warnings: train.warnings,
      hasTestLabels,
    },
    testCount: test.count,
    testRows: test.rows ?? Uint32Array.from({ length: test.count }, (_, row) => row),
  };
}

function columns(width: number): string {
  return width === 1 ? "1 column" : `${width.toLocaleString("en-US")} columns`;
}

/** Returns the scaling that the options give, or decides on it by the training rows. */
function decide(
  training: Rows,
  { scale = "auto", missing }: OwnDataOptions,
  isImages: boolean,
): { readonly scaling: Scaling; readonly line: string } {
  const filled = (scaling: Scaling): Scaling =>
    missing === "mean" && scaling.fill === undefined ? { ...scaling, fill: columnMeans(training) } : scaling;
  if (scale === "older") {
    const isBytes = training.values instanceof Uint8Array;
    return {
      scaling: filled({ kind: isBytes ? "byte" : "none", offsets: [0], divisors: [isBytes ? 255 : 1] }),
      line: isBytes ? "divided by 255, as in training" : "learned as they are, as in training",
    };
  }
  if (typeof scale === "object") {
    return { scaling: filled(scale), line: `scaled as in training (${scale.kind})` };
  }
  const choice = scale === "auto" ? undefined : scale;
  const { scaling, line } = decideScaling(training, { isImages, choice });
  return { line, scaling: filled(scaling) };
}
