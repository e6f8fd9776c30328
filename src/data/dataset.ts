/**
 * Loads a data set by name from the local disk, without downloading. By default, {@linkcode findFiles}
 * searches for the files. An explicit `dataDir` is the only folder searched: missing files are an error
 * there, and files that differ from the published ones a logged warning, as they may be modified on purpose.
 * @module
 */
import { join } from "node:path";
import { InputError, withCommas } from "../errors.ts";
import {
  CATALOGUE,
  type CatalogueEntry,
  FILE_NAMES,
  FILE_ROLES,
  type FileRole,
  findDataset,
  sha256,
} from "./catalogue.ts";
import { findFiles, type Found, type LoadedFile, type Log, placesOf, readFolder } from "./dataset_files.ts";
import { readIdx } from "./idx.ts";
import type { Scaling } from "./scaling.ts";

/** Training or test split of a data set. */
export interface DatasetSplit {
  /** Pixels, `[count, width]`, row-major: bytes from 0 (background) to 255, or floats, usually in [0, 1]. */
  readonly images: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** Pixels before they were clamped to [0, 1], `[count, width]`; absent if none was. */
  readonly unclamped?: Float32Array<ArrayBuffer> | undefined;
  /** Class index of each image; absent without classes. */
  readonly labels?: Uint8Array<ArrayBuffer> | undefined;
  /** Number of images. */
  readonly count: number;
}

/** A data set in memory. */
export interface Dataset {
  /** Name in the catalogue, or path of a user's own file. */
  readonly name: string;
  /** Number of images and their location, for a one-line message. */
  readonly source: string;
  /**
   * SHA-256 in hex over the four decompressed files (training images, training labels, test images, test
   * labels), or over the user's own file; independent of `limit`.
   */
  readonly checksum: string;
  /** Values of an image: rows × columns, and × 3 for color. */
  readonly width: number;
  /** Rows and columns of an image, and 3 if it is in color: red, green and blue pixels one after another. */
  readonly imageShape: readonly [rows: number, columns: number, colors?: 1 | 3];
  /** Class names, indexed by label; empty without labels. */
  readonly classNames: readonly string[];
  /** Names of the columns of the user's own table; absent if the file has none. */
  readonly columns?: readonly string[] | undefined;
  /** The training images. */
  readonly train: DatasetSplit;
  /** The test images. */
  readonly test: DatasetSplit;
  /** Number of each test row in the user's own file, from 0; absent for a data set of the catalogue. */
  readonly testRows?: Uint32Array<ArrayBuffer> | undefined;
  /** Scaling of the user's own data; absent for a data set of the catalogue, whose bytes are divided by 255. */
  readonly scaling?: Scaling;
}

/** Training or test split with classes. */
export interface LabeledSplit extends DatasetSplit {
  /** Class index of each image. */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** A data set with classes, such as those of the catalogue. */
export interface LabeledDataset extends Dataset {
  /** The training images. */
  readonly train: LabeledSplit;
  /** The test images. */
  readonly test: LabeledSplit;
}

/** Options of {@link loadDataset}. */
export interface LoadOptions {
  /**
   * Folder to read instead of searching. It, or its subfolder with the data set's name, has the four IDX
   * files, with or without `.gz`.
   */
  readonly dataDir?: string | undefined;
  /** Cache folder: downloads are stored in its subfolder with the data set's name. */
  readonly cacheDir: string;
  /** Maximum number of training images, from the first; test images are not limited. */
  readonly limit?: number | undefined;
  /** Receives one-line notes and warnings, such as a file skipped for its checksum. */
  readonly log?: ((line: string) => void) | undefined;
  /** Remedy if the files are missing, as a part of the error message, such as "run `make data`". */
  readonly remedy?: string | undefined;
}

/** Reads a user's folder, which must contain all four files. */
async function fromDataDir(entry: CatalogueEntry, dataDir: string, log: Log): Promise<Found> {
  const inner = join(dataDir, entry.name);
  let found = await readFolder(dataDir);
  if (found.files.size < FILE_ROLES.length) {
    const deeper = await readFolder(inner);
    if (deeper.files.size > found.files.size) found = deeper;
  }
  if (found.missing.length > 0) {
    throw new InputError(
      `Cannot load "${entry.name}" from "${dataDir}": expected four IDX files, with or without .gz, ` +
        `in it or in "${inner}", but did not find ${
          found.missing.map((role) => FILE_NAMES[role]).join(", ")
        }; give another folder, or none`,
      { settings: ["dataDir"] },
    );
  }
  const isSet = (other: CatalogueEntry) =>
    FILE_ROLES.every((role) => found.files.get(role)?.sum === other.sums[role]);
  if (isSet(entry)) return found;
  const actual = CATALOGUE.find(isSet);
  if (actual !== undefined) {
    throw new InputError(
      `Cannot load "${entry.name}" from "${found.place}": expected that data set but found the files of ` +
        `"${actual.name}"; ask for "${actual.name}" or give another folder`,
    );
  }
  const changed = FILE_ROLES.filter((role) => found.files.get(role)?.sum !== entry.sums[role]);
  log(
    `${entry.name}: warning: not the published data: in "${found.place}" the checksum differs for ` +
      changed.map((role) => FILE_NAMES[role]).join(", "),
  );
  return found;
}

/** Creates the error for missing files. */
function notFound(entry: CatalogueEntry, { cacheDir, remedy }: LoadOptions): InputError {
  const where = placesOf(entry, cacheDir).map((place) => `"${place}"`).join(" or ");
  const isOwn = entry.mirrors.length === 0;
  const steps = [...isOwn || remedy === undefined ? [] : [remedy], entry.hint].join(", or ");
  return new InputError(
    `Cannot load "${entry.name}": expected its four files, undamaged, in ${where} but did not find them; ${steps}`,
    isOwn ? {} : { settings: ["dataDir"] },
  );
}

/** Reads the images and labels of a split and checks that they match. */
function readSplit(
  entry: CatalogueEntry,
  images: LoadedFile,
  labels: LoadedFile,
): LabeledSplit {
  const pixels = readIdx(images.bytes, images.path, 3);
  const classes = readIdx(labels.bytes, labels.path, 1);
  const [count, rows, columns] = pixels.shape;
  const [expectedRows, expectedColumns] = entry.imageShape;
  if (rows !== expectedRows || columns !== expectedColumns) {
    throw new InputError(
      `Cannot use "${images.path}": expected images of ${expectedRows}×${expectedColumns} pixels but found ` +
        `${rows}×${columns} at byte 8; resize the images`,
    );
  }
  if (count === 0) {
    throw new InputError(
      `Cannot use "${images.path}": expected at least one image but found 0 at byte 4; give another file`,
    );
  }
  if (classes.shape[0] !== count) {
    throw new InputError(
      `Cannot use "${labels.path}": expected ${count} labels, one for each image in "${images.path}", but found ` +
        `${classes.shape[0]} at byte 4; give files that belong together`,
    );
  }
  const wrong = classes.data.findIndex((label) => label >= entry.classNames.length);
  if (wrong >= 0) {
    throw new InputError(
      `Cannot use "${labels.path}": expected labels from 0 to ${entry.classNames.length - 1} but found ` +
        `${classes.data[wrong]} at byte ${8 + wrong}; give another file`,
    );
  }
  return { images: pixels.data, labels: classes.data, count };
}

/**
 * Loads the data set of a catalogue entry; {@link loadDataset} calls it after looking up the name.
 *
 * @throws {InputError} as {@link loadDataset}
 */
export async function loadEntry(entry: CatalogueEntry, options: LoadOptions): Promise<LabeledDataset> {
  const { dataDir, limit, log = () => {} } = options;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new InputError(
      `Cannot limit the training images of "${entry.name}": expected a whole number of at least 1 but received ${limit}; change the limit`,
    );
  }
  const found = dataDir === undefined
    ? await findFiles(entry, options.cacheDir, log)
    : await fromDataDir(entry, dataDir, log);
  if (found.missing.length > 0) throw notFound(entry, options);
  const file = (role: FileRole): LoadedFile => {
    const loaded = found.files.get(role);
    if (loaded === undefined) throw new Error(`no ${role} file in "${found.place}"`); // a bug in this module
    return loaded;
  };
  const all = readSplit(entry, file("trainImages"), file("trainLabels"));
  const test = readSplit(entry, file("testImages"), file("testLabels"));
  const [rows, columns] = entry.imageShape;
  const width = rows * columns;
  const count = Math.min(limit ?? all.count, all.count);
  // slice() instead of subarray(), so that the rest can be freed
  const train = count === all.count
    ? all
    : { images: all.images.slice(0, count * width), labels: all.labels.slice(0, count), count };
  const training = count === all.count
    ? withCommas(count)
    : `the first ${withCommas(count)} of ${withCommas(all.count)}`;
  return {
    name: entry.name,
    source: `${training} training and ${
      withCommas(test.count)
    } test images of ${rows}×${columns} from "${found.place}"`,
    checksum: sha256(...FILE_ROLES.map((role) => file(role).bytes)),
    width,
    imageShape: entry.imageShape,
    classNames: entry.classNames,
    train,
    test,
  };
}

/**
 * Loads a data set by name: `fashion-mnist-mini` (ships with the project), `mnist` or `fashion-mnist`.
 *
 * Needs `--allow-read` for the folders that it searches.
 *
 * ```ts
 * import { loadDataset } from "@bottleneck/bottleneck";
 *
 * const { train, width } = await loadDataset("fashion-mnist-mini", { cacheDir: ".cache", limit: 100 });
 * console.log(train.count, width); // 100 784
 * ```
 *
 * @throws {InputError} if the name is unknown, its files are missing, damaged or do not match, or the limit
 *   is not a positive integer
 */
export async function loadDataset(name: string, options: LoadOptions): Promise<LabeledDataset> {
  return await loadEntry(findDataset(name), options);
}
