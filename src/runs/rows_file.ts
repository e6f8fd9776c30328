/**
 * Files of rows that trained models compute, such as codes: CSV, NPY or safetensors, by the name of the file.
 * @module
 */
import { InputError } from "../errors.ts";
import { encodeSafetensors } from "../files/safetensors.ts";
import { rowsCsv } from "./codes_csv.ts";

/** Endings of the files that {@link encodeRows} makes. */
const ENDINGS = [".csv", ".npy", ".safetensors"] as const;

/** Rows to write. */
export interface ComputedRows {
  /** Name of the tensor in safetensors, such as `codes`. */
  readonly name: string;
  /** Names of the columns in CSV. */
  readonly columns: readonly string[];
  /** Values, [rows, columns], row-major. */
  readonly values: Float32Array;
  /** Class index of each row, for CSV and safetensors. */
  readonly labels?: Uint8Array | undefined;
}

/**
 * Refuses a file name whose ending is not that of a format.
 *
 * @param more further endings, such as `.png`
 * @throws InputError if the ending is another
 */
export function checkEnding(path: string, more: readonly string[] = []): void {
  const endings = [...ENDINGS, ...more];
  if (endings.some((ending) => path.toLowerCase().endsWith(ending))) return;
  throw new InputError(`Cannot write "${path}": expected a name that ends with ${endings.join(", ")}`, {
    settings: ["out"],
  });
}

/**
 * Encodes rows in the format of a file name. CSV has a column with the row's number in the file, from 0, and one with
 * its class; NPY has the values alone, float32; safetensors has the values, and the classes as `labels`.
 */
export function encodeRows(
  path: string,
  { name, columns, values, labels }: ComputedRows,
): Uint8Array | string {
  const shape = [values.length / columns.length, columns.length], lower = path.toLowerCase();
  if (lower.endsWith(".npy")) return encodeNpy(shape, values);
  if (!lower.endsWith(".safetensors")) return rowsCsv(values, labels, columns);
  return encodeSafetensors([
    { name, shape, data: values },
    ...(labels ? [{ name: "labels", shape: [labels.length], data: labels }] : []),
  ]);
}

/**
 * Encodes an array of float32 in NumPy's format, version 1.0.
 *
 * @param shape [rows, columns]
 */
export function encodeNpy(shape: readonly number[], values: Float32Array): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10; // the values begin at a multiple of 64
  const header = new TextEncoder().encode(text.padEnd(length - 1) + "\n");
  const bytes = new Uint8Array(10 + length + values.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, length % 256, length >> 8]);
  bytes.set(header, 10);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + length);
  return bytes;
}
