/**
 * Reads a data file of any format as a table, in the file's order and units.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { quote, toOneLine } from "../errors.ts";
import { FILE_NAMES, FILE_ROLES, type FileRole } from "./catalogue.ts";
import { cannotUse } from "./cannot_use.ts";
import { type CsvOptions, readCsv } from "./csv.ts";
import { expandGzip, MAX_DECOMPRESSED_BYTES, readAnyIdx, readIdxHeader } from "./idx.ts";
import { type MissingOptions, treatMissing } from "./missing_values.ts";
import { chooseArrays, type NamedArrays, openNpz, openSafetensors } from "./named_arrays.ts";
import { HEADER_BYTES, isNpy, readNpy, readNpyHeader, readNpyTexts } from "./npy.ts";
import { openFile } from "./open_file.ts";
import { FORMATS, refuseOtherFormats } from "./other_formats.ts";
import { parquetAsCsv } from "./parquet/read.ts";
import { readPngFolder } from "./png_folder.ts";
import { classesOf, type Table, type TableValues } from "./table.ts";

/** Options of {@link readTable}. */
export interface ReadOptions extends CsvOptions, MissingOptions {
  /** Path of a file with the class of each row. */
  readonly labels?: string | undefined;
  /** Called with the bytes of CSV read so far, and all of them. */
  readonly progress?: ((done: number, total: number) => void) | undefined;
}

/** Bytes of a CSV file read at a time. */
const PART_BYTES = 2 ** 20;

/** An array of a file, with its dimensions. */
interface FileArray {
  readonly shape: readonly number[];
  readonly data: TableValues;
}

/** Makes a table of an array [n, d], [n, h, w] or [n, h, w, 3]; drops axes of size 1. */
function arrayTable(path: string, format: string, { shape, data }: FileArray): Table {
  const tuple = `(${toOneLine(shape.join(", "))})`;
  if (shape.length < 2) {
    cannotUse(
      path,
      `expected 2 dimensions (rows, numbers) or more but found ${shape.length}: ${tuple}; ` +
        "if it has classes, give it beside the data",
      ["labels"],
    );
  }
  if (data.length === 0) {
    cannotUse(path, `expected rows of numbers but found shape ${tuple}; give another file`);
  }
  const notes: string[] = [];
  const [count, ...rest] = shape;
  const sizes = rest.filter((length) => length > 1);
  if (rest.length > sizes.length && rest.length > 1) {
    notes.push(`shape ${tuple}: axes of size 1 dropped`);
  }
  if (sizes.length === 0) sizes.push(1);
  const table = { format, count, classNames: [], warnings: [], notes, values: data };
  if (sizes.length <= 2) return { ...table, shape: sizes };
  if (sizes.length === 3 && (sizes[2] === 3 || sizes[0] === 3)) {
    const isLast = sizes[2] === 3;
    const [height, width] = isLast ? sizes : sizes.slice(1);
    notes.push(`color images of ${height}×${width}, channels ${isLast ? "last" : "first"}`);
    return {
      ...table,
      shape: [3, height, width],
      values: isLast ? channelsFirst(data, height * width) : data,
    };
  }
  const width = sizes.at(-1)!, height = sizes.slice(0, -1).reduce((product, length) => product * length, 1);
  notes.push(`shape ${tuple}: rows are drawn as ${height}×${width}`);
  return { ...table, shape: [height, width] };
}

/** Reorders the colors of each image, in place: from [pixels, 3] to [3, pixels]. */
function channelsFirst(data: TableValues, pixels: number): TableValues {
  for (let first = 0; first < data.length; first += 3 * pixels) {
    const image = data.slice(first, first + 3 * pixels);
    for (let k = 0; k < image.length; k++) data[first + k % 3 * pixels + Math.floor(k / 3)] = image[k];
  }
  return data;
}

/** Refuses a column name where a format has none. */
function refuseColumns(path: string, format: string, { label, ignore }: CsvOptions): void {
  const [setting, name] = label !== undefined ? ["label", label] : ["ignore", ignore?.[0]];
  if (name === undefined) return;
  cannotUse(
    path,
    `expected CSV, which can have a column ${quote(name)}, but found ${format}; name no column` +
      (setting === "label" ? ", or give a file of classes" : ""),
    setting === "label" ? ["label", "labels"] : [setting],
  );
}

/** Table of a file, with its SHA-256. */
export interface FileTable {
  /** The table, in the file's order. */
  readonly table: Table;
  /** Rows for testing; absent if the file has none of its own. */
  readonly test?: Table | undefined;
  /** SHA-256 of the file, and of the file of classes if there is one, in hex. */
  readonly checksum: string;
}

/** Array of an IDX or NPY file; undefined for another format. */
function arrayOf(bytes: Uint8Array<ArrayBuffer>, path: string): (FileArray & { format: string }) | undefined {
  if (isNpy(bytes) || /\.npy$/i.test(path)) return { format: "NPY", ...readNpy(bytes, path) };
  if (bytes[0] === 0 && bytes[1] === 0) return { format: "IDX", ...readAnyIdx(bytes, path) };
  return undefined;
}

/** Table of the arrays of an NPZ or safetensors file. */
function namedTable(
  arrays: NamedArrays,
  path: string,
  wanted: string | undefined,
): Omit<FileTable, "checksum"> {
  const chosen = chooseArrays(arrays, path, wanted);
  const read = (name: string, labels: string | undefined): Table => {
    const table = arrayTable(path, arrays.format, arrays.read(name));
    const note = `array ${quote(name)}${labels === undefined ? "" : `, classes from ${quote(labels)}`}`;
    const noted = { ...table, notes: arrays.names.length > 1 ? [note, ...table.notes] : table.notes };
    if (labels === undefined) return noted;
    const { texts, notes } = arrayTexts(
      { format: arrays.format, ...arrays.read(labels) },
      `${path}:${toOneLine(labels)}`,
    );
    return labeledTable(noted, texts, notes, `${path}:${toOneLine(labels)}`);
  };
  return {
    table: read(chosen.data, chosen.labels),
    ...(chosen.test === undefined ? {} : { test: read(chosen.test, chosen.testLabels) }),
  };
}

/** Splits `file.npz:name` into the path of the file and the name of an array. */
function splitName(path: string): { readonly path: string; readonly name: string | undefined } {
  const [, file, name] = /^(.*\.(?:npz|safetensors)):([^:]+)$/i.exec(path) ?? [];
  return file === undefined ? { path, name: undefined } : { path: file, name };
}

/** True for a path of a folder. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // openFile() reports it
  }
}

/** Reads a folder with the four IDX files that MNIST and its kin have; undefined if it has others. */
async function readMnistFolder(folder: string): Promise<FileTable | undefined> {
  const names = new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
  const pathOf = (role: FileRole) => {
    const name = [FILE_NAMES[role], `${FILE_NAMES[role]}.gz`].find((name) => names.has(name));
    return name && join(folder, name);
  };
  const [data, labels, test, testLabels] = FILE_ROLES.map(pathOf);
  if (data === undefined) return undefined;
  const train = await readTable(data, { labels });
  if (test === undefined) return train;
  const tests = await readTable(test, { labels: testLabels });
  return {
    table: train.table,
    test: tests.table,
    checksum: createHash("sha256").update(train.checksum + tests.checksum).digest("hex"),
  };
}

/** Reads a file and computes its SHA-256. */
async function readFile(given: string, options: ReadOptions): Promise<FileTable> {
  const { path, name } = splitName(given);
  if (isFolder(path)) {
    refuseColumns(path, "a folder", options);
    return await readMnistFolder(path) ?? readPngFolder(path);
  }
  using file = openFile(path);
  const hash = createHash("sha256");
  const head = file.read(Math.min(file.size, HEADER_BYTES));
  if (head.length === 0) cannotUse(path, `expected ${FORMATS} but it is empty; give another file`);
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const isNpz = /\.npz$/i.test(path), isParquet = head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52;
  if (isNpz || isParquet || /\.safetensors$/i.test(path)) {
    const bytes = file.read(file.size - head.length, head);
    const checksum = hash.update(bytes).digest("hex");
    if (isParquet) {
      const table = await readCsv(parquetAsCsv(bytes, path), path, { ...options, header: true });
      return { table: { ...table, format: "Parquet" }, checksum };
    }
    const arrays = (isNpz ? openNpz : openSafetensors)(bytes, path);
    refuseColumns(path, arrays.format, options);
    return { ...namedTable(arrays, path, name), checksum };
  }
  if (!isGzip) refuseOtherFormats(path, head);
  if (isGzip || isNpy(head) || /\.npy$/i.test(path) || head[0] === 0 && head[1] === 0) {
    // rejects a wrong header before reading the rest
    if (isNpy(head) || /\.npy$/i.test(path) && !isGzip) readNpyHeader(head, path, file.size);
    else if (!isGzip) readIdxHeader(head, path, undefined, file.size);
    else if (file.size > MAX_DECOMPRESSED_BYTES) {
      cannotUse(
        path,
        `expected at most ${MAX_DECOMPRESSED_BYTES} bytes of gzip but it has ${file.size}; decompress it first`,
      );
    }
    const raw = file.read(file.size - head.length, head);
    const checksum = hash.update(raw).digest("hex");
    const bytes = isGzip ? expandGzip(raw, path) : raw;
    if (bytes.length === 0) cannotUse(path, `expected ${FORMATS} but it is empty; give another file`);
    const inner = isGzip ? path.replace(/\.gz$/i, "") : path;
    if (isGzip) refuseOtherFormats(path, bytes);
    const array = arrayOf(bytes, inner);
    if (array) {
      refuseColumns(path, array.format, options);
      return { table: arrayTable(path, array.format, array), checksum };
    }
    return { table: await readCsv(partsOf(bytes, options), path, options), checksum };
  }
  function* parts(): Generator<Uint8Array> {
    let done = 0;
    for (let part = head; part.length > 0; part = file.read(PART_BYTES)) {
      hash.update(part);
      yield part;
      options.progress?.(done += part.length, file.size);
    }
  }
  const table = await readCsv(parts(), path, options);
  return { table, checksum: hash.digest("hex") };
}

/** Splits bytes into parts. */
function* partsOf(bytes: Uint8Array, { progress }: ReadOptions): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    yield bytes.subarray(at, at + PART_BYTES);
    progress?.(Math.min(at + PART_BYTES, bytes.length), bytes.length);
  }
}

/** Classes of rows as texts, with remarks. */
interface LabelTexts {
  readonly texts: string[];
  readonly notes: string[];
}

/** Texts of a file with one class per row. */
function labelTexts(given: string, count: number): LabelTexts & { readonly checksum: string } {
  const { path, name } = splitName(given);
  using file = openFile(path);
  const raw = file.read(file.size);
  const checksum = createHash("sha256").update(raw).digest("hex");
  const isNpz = /\.npz$/i.test(path);
  if (isNpz || /\.safetensors$/i.test(path)) {
    const arrays = (isNpz ? openNpz : openSafetensors)(raw, path);
    const array = arrays.read(chooseArrays(arrays, path, name).data);
    return { ...arrayTexts({ format: arrays.format, ...array }, given), checksum };
  }
  const isGzip = raw[0] === 0x1f && raw[1] === 0x8b;
  const bytes = isGzip ? expandGzip(raw, path) : raw;
  refuseOtherFormats(path, bytes);
  const words = readNpyTexts(bytes);
  if (words) return { texts: words, notes: [], checksum };
  const array = arrayOf(bytes, path.replace(/\.gz$/i, ""));
  if (array) return { ...arrayTexts(array, path), checksum };
  const lines = new TextDecoder().decode(bytes).replace(/^\ufeff/, "").split(/\r\n|\n|\r/).map((line) =>
    line.trim().replace(/^"(.*)"$/, "$1")
  ).filter((line) => line !== "" && !line.startsWith("#"));
  const texts = lines.length === count + 1 ? lines.slice(1) : lines;
  const several = texts.find((text) => /[,;\t]/.test(text));
  if (several !== undefined) {
    cannotUse(path, `expected one class per line but found ${quote(several)}; keep one column`, ["labels"]);
  }
  return { texts, notes: [], checksum };
}

/** Texts of an array with one class per row, or of one-hot rows. */
function arrayTexts(
  { format, shape, data }: FileArray & { readonly format: string },
  path: string,
): LabelTexts {
  const [rows, ...rest] = shape;
  const columns = rest.reduce((product, length) => product * length, 1);
  const rowOf = (row: number) => data.subarray(row * columns, (row + 1) * columns);
  const isOneHot = columns > 1 && data.length > 0 && data.every((value) => value === 0 || value === 1) &&
    Array.from({ length: rows }, (_, row) => rowOf(row)).every((row) =>
      row.indexOf(1) >= 0 && row.indexOf(1) === row.lastIndexOf(1)
    );
  const notes: string[] = [];
  if (isOneHot) notes.push(`${quote(path)} has one-hot rows: the class is the place of the 1`);
  else if (columns === 8 && format === "IDX") {
    notes.push(`${quote(path)} has 8 numbers per row, as QMNIST's: the first is the class`);
  } else if (columns > 1) {
    cannotUse(
      path,
      `expected one class per row but found shape (${toOneLine(shape.join(", "))}); keep one column`,
      ["labels"],
    );
  }
  const texts = Array.from(
    { length: rows ?? 0 },
    (_, row) => `${isOneHot ? rowOf(row).indexOf(1) : data[row * columns]}`,
  );
  if (texts.includes("NaN")) {
    cannotUse(path, "expected a class in every row but found missing values", ["labels"]);
  }
  return { texts, notes };
}

/** Adds classes to a table. */
function labeledTable(table: Table, texts: readonly string[], notes: readonly string[], path: string): Table {
  if (texts.length !== table.count) {
    cannotUse(
      path,
      `expected ${table.count} classes, one for each row of the data, but found ${texts.length}`,
      [
        "labels",
      ],
    );
  }
  return {
    ...table,
    ...classesOf(texts, path, quote(path), ["give a file of classes", "labels"]),
    notes: [...table.notes, ...notes],
  };
}

/**
 * Reads a data file of any format as a table. The format is detected from the first bytes or the ending: NPY, NPZ, IDX
 * and safetensors of any numbers, Parquet, CSV, gzip of NPY, IDX or CSV, or a folder of PNG files.
 *
 * Needs `--allow-read` for the file.
 *
 * @param path path of the file, or of an array in it: `file.npz:name`
 * @throws {InputError} if the file does not exist or has other contents, with the position of the mistake
 */
export async function readTable(path: string, options: ReadOptions = {}): Promise<FileTable> {
  const { labels, label } = options;
  if (labels !== undefined && label !== undefined) {
    cannotUse(
      path,
      `expected classes from a column or from a file but received both ${quote(label)} and ${quote(labels)}`,
      [
        "label",
        "labels",
      ],
    );
  }
  const { table, test, checksum } = await readFile(path, options);
  const treated = (rows: Table) => treatMissing(path, rows, options);
  const tests = test === undefined ? {} : { test: treated(test) };
  if (labels === undefined) return { table: treated(table), ...tests, checksum };
  const { texts, notes, checksum: other } = labelTexts(labels, table.count);
  return {
    table: treated(labeledTable(table, texts, notes, labels)),
    ...tests,
    checksum: createHash("sha256").update(checksum + other).digest("hex"),
  };
}
