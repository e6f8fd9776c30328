/**
 * What the end of a Parquet file says of its table: columns, groups of rows, and where each column's pages are.
 * @module
 */
import { type Column, readColumn } from "./columns.ts";
import { ByteReader, integerOf, structOf, structsOf, type ThriftStruct } from "./thrift.ts";
import { TYPES } from "./values.ts";

/** A column's pages in a group of rows. */
export interface Chunk {
  readonly bytes: Uint8Array;
  /** Number of the compression. */
  readonly codec: number;
}

/** A table of numbers and words. */
export interface ParquetTable {
  readonly columns: readonly Column[];
  /** Groups of consecutive rows, with a chunk for each column. */
  readonly groups: readonly { readonly rows: number; readonly chunks: readonly Chunk[] }[];
}

/** Bytes of the length and the name of the format at the end. */
const END_BYTES = 8;
/** Most values of a table: 2 GiB as 32-bit floats. */
const MAX_VALUES = 2 ** 29;

/** Finds the pages of a column. */
function readChunk(struct: ThriftStruct, { type }: Column, pages: Uint8Array): Chunk {
  const about = structOf(struct, 3);
  if (!about) throw new Error("no description of a column's pages");
  const stored = TYPES[integerOf(about, 1, "type", 0, TYPES.length - 1)];
  if (stored !== type) throw new Error(`pages of type ${stored} in a column of type ${type}`);
  const values = integerOf(about, 9, "offset", 0, pages.length);
  const words = about.has(11) ? integerOf(about, 11, "offset", 0, pages.length) : 0; // where the dictionary is
  const from = words > 0 && words < values ? words : values;
  const size = integerOf(about, 7, "size", 0, pages.length - from);
  return { bytes: pages.subarray(from, from + size), codec: integerOf(about, 4, "compression", 0, 7) };
}

/**
 * Reads the end of a file.
 *
 * @param refuse is called with what a column has, if it has neither numbers nor words
 */
export function readMetadata(file: Uint8Array, refuse: (name: string, what: string) => never): ParquetTable {
  const end = new ByteReader(file, Math.max(0, file.length - END_BYTES));
  const length = end.uint32(), magic = new TextDecoder().decode(end.take(4));
  if (magic !== "PAR1") throw new Error("no PAR1 at the end");
  const at = file.length - END_BYTES - length;
  if (at < 0) throw new Error(`a description of ${length} bytes in a file of ${file.length}`);
  const about = new ByteReader(file.subarray(at, file.length - END_BYTES)).struct();
  const [root, ...schema] = structsOf(about, 2, "columns");
  if (!root) throw new Error("no columns");
  const columns = schema.map((struct) => readColumn(struct, refuse));
  if (columns.length === 0) throw new Error("no columns");
  const groups = structsOf(about, 4, "groups of rows").map((group) => {
    const rows = integerOf(group, 3, "number of rows", 0, MAX_VALUES);
    const chunks = structsOf(group, 1, "columns");
    if (chunks.length !== columns.length) throw new Error(`${chunks.length} of ${columns.length} columns`);
    return { rows, chunks: chunks.map((chunk, k) => readChunk(chunk, columns[k], file.subarray(0, at))) };
  });
  const rows = groups.reduce((sum, group) => sum + group.rows, 0);
  integerOf(about, 3, "number of rows", rows, rows);
  if (rows * columns.length > MAX_VALUES) throw new Error(`more than ${MAX_VALUES} values`);
  return { columns, groups };
}
