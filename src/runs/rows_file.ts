/**
 * Files of rows that trained models compute, such as codes: CSV, NPY, NPZ or safetensors, by the name of the file. They
 * are written in parts, so that only a few rows are in memory.
 * @module
 */
import { Zip, ZipPassThrough } from "../dependencies/fflate.ts";
import { InputError } from "../errors.ts";
import { type AnnouncedTensor, encodeHeader } from "../files/safetensors.ts";
import { AtomicFile } from "../files/write_file.ts";
import { csvHeader, csvLines, type RowNames } from "./codes_csv.ts";

/** Limit on the size of an NPZ file in bytes: a zip archive without extensions. */
const MAX_ZIP_BYTES = 2 ** 32 - 2 ** 16;

/** What a file of rows has. */
export interface RowsLayout extends RowNames {
  /** Name of the array in NPZ and safetensors, such as `codes`. */
  readonly name: string;
  /** Names of the columns in CSV. */
  readonly columns: readonly string[];
  /** Number of rows. */
  readonly count: number;
}

/** Encoder of a format. */
interface Encoder {
  /** Encodes further rows. */
  add(values: Float32Array): void;
  /** Encodes what comes after the rows. */
  end(): void;
}

/** An array of a file, with its NumPy type. */
interface NamedArray {
  readonly name: string;
  readonly type: "<f4" | "<i4" | "|u1";
  readonly shape: readonly number[];
  /** Its values; absent for those that come in parts. */
  readonly data?: Int32Array | Uint8Array | undefined;
}

/** The arrays of a file: the values, the rows' numbers, and their classes if there are any. */
function arraysOf(
  { name, columns, count, rows, labels }: RowsLayout,
): readonly [NamedArray, ...NamedArray[]] {
  const index = Int32Array.from({ length: count }, (_, n) => rows?.[n] ?? n);
  return [
    { name, type: "<f4", shape: [count, columns.length] },
    { name: "index", type: "<i4", shape: [count], data: index },
    ...(labels ? [{ name: "labels", type: "|u1", shape: [count], data: labels } as const] : []),
  ];
}

function bytesOf(values: Float32Array | Int32Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

type Write = (bytes: Uint8Array) => void;

const ENCODERS = {
  ".csv": (write: Write, layout: RowsLayout): Encoder => {
    const text = new TextEncoder(), width = layout.columns.length;
    let first = 0;
    write(text.encode(csvHeader(layout.columns)));
    return {
      add(values) {
        write(text.encode(csvLines(values, width, layout, first)));
        first += values.length / width;
      },
      end() {},
    };
  },
  ".npy": (write: Write, layout: RowsLayout): Encoder => {
    write(npyHeader(arraysOf(layout)[0]));
    return { add: (values) => write(bytesOf(values)), end() {} };
  },
  ".npz": (write: Write, layout: RowsLayout): Encoder => {
    const [values, ...others] = arraysOf(layout);
    const zip = new Zip((_error, bytes) => write(bytes));
    const begin = (array: NamedArray) => {
      const entry = new ZipPassThrough(`${array.name}.npy`);
      entry.mtime = new Date(1980, 0, 1); // the same file for the same rows
      zip.add(entry);
      entry.push(npyHeader(array));
      return entry;
    };
    const entry = begin(values);
    return {
      add: (rows) => entry.push(bytesOf(rows)),
      end() {
        entry.push(new Uint8Array(), true);
        for (const array of others) begin(array).push(bytesOf(array.data!), true);
        zip.end();
      },
    };
  },
  ".safetensors": (write: Write, layout: RowsLayout): Encoder => {
    const [values, ...others] = arraysOf(layout),
      dtypes = { "<f4": "F32", "<i4": "I32", "|u1": "U8" } as const;
    const tensors = [values, ...others].map(({ type, ...tensor }): AnnouncedTensor => ({
      ...tensor,
      dtype: dtypes[type],
    }));
    write(encodeHeader(tensors));
    return {
      add: (rows) => write(bytesOf(rows)),
      end: () => others.forEach(({ data }) => write(bytesOf(data!))),
    };
  },
} as const;

/** Ending of a path that is one of a format's; undefined if there is none. */
function formatOf(path: string): keyof typeof ENCODERS | undefined {
  const endings = Object.keys(ENCODERS) as (keyof typeof ENCODERS)[];
  return endings.find((ending) => path.toLowerCase().endsWith(ending));
}

/**
 * Refuses a file name whose ending is not that of a format.
 *
 * @param more further endings, such as `.png`
 * @throws InputError if the ending is another
 */
export function checkEnding(path: string, more: readonly string[] = []): void {
  if (formatOf(path) !== undefined || more.some((ending) => path.toLowerCase().endsWith(ending))) return;
  const endings = [...Object.keys(ENCODERS), ...more].join(", ");
  throw new InputError(`Cannot write "${path}": expected a name that ends with ${endings}`, {
    settings: ["out"],
  });
}

/**
 * A file of rows, in the format of its name. CSV has columns `index`, with the row's number in the data file, and `label`,
 * with its class; NPZ and safetensors have arrays `index` (int32) and, with classes, `labels` (bytes); NPY has the values
 * alone. Values are float32. The file has its name once it is finished.
 */
export class RowsFile implements Disposable {
  readonly #file: AtomicFile;
  readonly #encoder: Encoder;
  #missing: number; // values to come

  /**
   * Begins the file.
   *
   * @throws InputError if its name has no ending of a format, it would be too large, or it cannot be created
   */
  constructor(path: string, layout: RowsLayout) {
    checkEnding(path);
    const ending = formatOf(path)!, values = layout.count * layout.columns.length;
    if (ending === ".npz" && 4 * values + 5 * layout.count > MAX_ZIP_BYTES) {
      throw new InputError(
        `Cannot write "${path}": expected less than 4 GiB but ${layout.count} rows of ${layout.columns.length} numbers ` +
          "have more; write .npy or .safetensors",
        { settings: ["out"] },
      );
    }
    this.#missing = values;
    this.#file = new AtomicFile(path);
    try {
      this.#encoder = ENCODERS[ending]((bytes) => this.#file.write(bytes), layout);
    } catch (error) {
      this.#file[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Appends rows.
   *
   * @param values [some rows, columns], row-major
   * @throws InputError if the disk is full
   */
  add(values: Float32Array): void {
    this.#missing -= values.length;
    this.#encoder.add(values);
  }

  /**
   * Ends the file and gives it its name.
   *
   * @throws RangeError if there were fewer or more rows than announced
   * @throws InputError if it cannot be written
   */
  finish(): void {
    if (this.#missing !== 0) {
      throw new RangeError(`Cannot finish a file of rows: expected ${this.#missing} further values`);
    }
    this.#encoder.end();
    this.#file.finish();
  }

  /** Removes the file if it is not finished. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** Header of an NPY file, version 1.0. */
function npyHeader({ type, shape }: NamedArray): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10; // the values begin at a multiple of 64
  const bytes = new Uint8Array(10 + length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, length % 256, length >> 8]);
  bytes.set(new TextEncoder().encode(text.padEnd(length - 1) + "\n"), 10);
  return bytes;
}
