/**
 * Tables of numbers: the contents of a data file before scaling.
 * @module
 */
import { InputError, quote } from "../errors.ts";

/** Arrays of a table's values: bytes, or floats in which NaN is a missing value. */
export type TableValues = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** A warning about a file. */
export interface Remark {
  /** The warning. */
  readonly text: string;
  /** Keys of the settings that change what it is about. */
  readonly settings: readonly string[];
}

/** Contents of a data file of any format, in the file's order. */
export interface Table {
  /** Name of the format, such as `CSV`. */
  readonly format: string;
  /** Number of rows. */
  readonly count: number;
  /** Shape of a row: [numbers], [height, width] or, for color images, [3, height, width]. */
  readonly shape: readonly number[];
  /** Values, row-major, in the file's own units. */
  readonly values: TableValues;
  /** Names of the columns; absent if the format has none. */
  readonly columns?: readonly string[] | undefined;
  /** Number of each row in the file, from 0; absent if all rows of the file are here, in order. */
  readonly rows?: Uint32Array<ArrayBuffer> | undefined;
  /** Class index of each row; absent without classes. */
  readonly labels?: Uint8Array<ArrayBuffer> | undefined;
  /** Class names, by class index; empty without classes. */
  readonly classNames: readonly string[];
  /** Remarks on how the file was read, one line each. */
  readonly notes: readonly string[];
  /** Warnings about the contents, one line each. */
  readonly warnings: readonly Remark[];
}

/** Classes are stored as bytes. */
export const MAX_CLASSES = 256;
const INTEGER = /^-?\d{1,15}$/;

/**
 * Converts class texts to indices: integers from 0 to 255 are kept, others are numbered in sorted order.
 *
 * @param texts class of each row
 * @param place origin of the classes, for the error, such as `column "kind"`
 * @param remedy what to do about too many classes, and the settings that help
 * @throws {InputError} if there are too many classes
 */
export function classesOf(
  texts: readonly string[],
  name: string,
  place: string,
  [remedy, ...settings]: readonly [string, ...string[]] = ["name a column of classes", "label"],
): Required<Pick<Table, "labels" | "classNames">> {
  const isInteger = texts.every((text) => INTEGER.test(text));
  const distinct = [...new Set(texts)];
  const largest = isInteger ? distinct.reduce((most, text) => Math.max(most, Number(text)), 0) : Infinity;
  if (largest < MAX_CLASSES && distinct.every((text) => Number(text) >= 0)) {
    return {
      labels: Uint8Array.from(texts, Number),
      classNames: Array.from({ length: largest + 1 }, (_, k) => `${k}`),
    };
  }
  const classNames = isInteger ? distinct.sort((a, b) => Number(a) - Number(b)) : distinct.sort();
  if (classNames.length > MAX_CLASSES) {
    throw new InputError(
      `Cannot read "${name}": expected at most ${MAX_CLASSES} classes in ${place} but found ${classNames.length}; ` +
        remedy,
      { settings },
    );
  }
  const index = new Map(classNames.map((text, k) => [text, k]));
  return { labels: Uint8Array.from(texts, (text) => index.get(text)!), classNames };
}

/** Names at most five columns: `"a", "b", …`. */
export function listed(names: readonly string[], most = 5): string {
  return names.slice(0, most).map((name) => quote(name, 40)).join(", ") +
    (names.length > most ? ", …" : "");
}
