/**
 * Reads the pages of a column, one at a time.
 * @module
 */
import { expand } from "./codecs.ts";
import type { Column } from "./columns.ts";
import type { Chunk } from "./metadata.ts";
import { ByteReader, integerOf, structOf, type ThriftStruct } from "./thrift.ts";
import {
  type Budget,
  readByteArrays,
  readDeltas,
  readPlain,
  readRuns,
  readSplit,
  type Runs,
  type Values,
} from "./values.ts";

/** Most bytes of an expanded page. */
const MAX_PAGE_BYTES = 2 ** 28;
/** Bytes that a value costs in memory, at least. */
const VALUE_BYTES = 8;
/** A cell of CSV without a value; in quotes, as a line may have no other cell. */
const MISSING = '""';

/** Kinds of pages. */
const DATA = 0, DICTIONARY = 2, DATA_2 = 3;

/** Values of a page that are there, or their places in the dictionary. */
interface Page {
  /** For each row, 1 if it has a value; undefined if all have. */
  readonly isThere: Runs | undefined;
  readonly values: Values;
  readonly areWords: boolean;
}

/** Cells of a column in a group of rows, from the first to the last. */
export class Cells {
  readonly #column: Column;
  readonly #codec: number;
  readonly #reader: ByteReader;
  readonly #budget: Budget;
  /** Rows that are in no page yet. */
  #rowsLeft: number;
  #words: readonly string[] | undefined;
  #page: Page = { isThere: undefined, values: [], areWords: false };
  #rows = 0;
  #row = 0;
  #value = 0;

  constructor(column: Column, { bytes, codec }: Chunk, rows: number, budget: Budget) {
    this.#column = column;
    this.#codec = codec;
    this.#reader = new ByteReader(bytes);
    this.#budget = budget;
    this.#rowsLeft = rows;
  }

  /** The next cell, for CSV. */
  next(): string {
    while (this.#row === this.#rows) this.#turn();
    const { isThere, values, areWords } = this.#page;
    const row = this.#row++;
    if (isThere?.[row] === 0) return MISSING;
    const value = values[this.#value++];
    return areWords ? this.#words![value as number] : this.#column.cell(value);
  }

  /** Reads the next page. */
  #turn(): void {
    const header = this.#reader.struct();
    const kind = integerOf(header, 1, "kind of page", 0, 3);
    const size = integerOf(header, 2, "page size", 0, MAX_PAGE_BYTES);
    const packed = this.#reader.take(integerOf(header, 3, "page size", 0, this.#reader.left));
    this.#budget.spend(size);
    if (kind === DICTIONARY) this.#readWords(headerOf(header, 7), expand(this.#codec, packed, size));
    else if (kind === DATA) this.#readPage(headerOf(header, 5), expand(this.#codec, packed, size));
    else if (kind === DATA_2) this.#readPage2(headerOf(header, 8), packed, size);
  }

  #readWords(header: ThriftStruct, bytes: Uint8Array): void {
    const { type, length, cell } = this.#column;
    const count = integerOf(header, 1, "number of words", 0, bytes.length);
    this.#budget.spend(VALUE_BYTES * count);
    this.#words = Array.from(readPlain(new ByteReader(bytes), type, count, length), cell);
  }

  #readPage(header: ThriftStruct, bytes: Uint8Array): void {
    const count = this.#countOf(header), reader = new ByteReader(bytes);
    const isThere = this.#column.isOptional
      ? readRuns(new ByteReader(reader.take(reader.uint32())), 1, count)
      : undefined;
    this.#readValues(reader, integerOf(header, 2, "encoding", 0, 9), count, isThere);
  }

  /** Reads a page whose levels are not compressed. */
  #readPage2(header: ThriftStruct, packed: Uint8Array, size: number): void {
    const count = this.#countOf(header), reader = new ByteReader(packed);
    integerOf(header, 6, "size of levels of lists", 0, 0);
    const levels = reader.take(integerOf(header, 5, "size of levels", 0, Math.min(size, packed.length)));
    const isThere = this.#column.isOptional ? readRuns(new ByteReader(levels), 1, count) : undefined;
    const rest = reader.take(reader.left);
    const bytes = header.get(7) === false ? rest : expand(this.#codec, rest, size - levels.length);
    this.#readValues(new ByteReader(bytes), integerOf(header, 4, "encoding", 0, 9), count, isThere);
  }

  /** Number of rows of a page. */
  #countOf(header: ThriftStruct): number {
    const count = integerOf(header, 1, "number of values", 0, this.#rowsLeft);
    this.#budget.spend(VALUE_BYTES * count);
    this.#rowsLeft -= count;
    return count;
  }

  #readValues(reader: ByteReader, encoding: number, rows: number, isThere: Runs | undefined): void {
    let count = rows;
    if (isThere) { for (let row = 0; row < rows; row++) count -= 1 - isThere[row]; }
    const areWords = encoding === 2 || encoding === 8;
    const values = count === 0
      ? []
      : areWords
      ? this.#readPlaces(reader, count)
      : this.#decode(reader, encoding, count);
    this.#page = { isThere, values, areWords };
    this.#rows = rows;
    this.#row = this.#value = 0;
  }

  #readPlaces(reader: ByteReader, count: number): Values {
    const places = readRuns(reader, reader.byte(), count), length = this.#words?.length ?? 0;
    if (places.some((place) => place >= length)) {
      throw new Error(`a word that its dictionary of ${length} lacks`);
    }
    return places;
  }

  #decode(reader: ByteReader, encoding: number, count: number): Values {
    const { type, length } = this.#column;
    if (encoding === 0) return readPlain(reader, type, count, length);
    if (encoding === 3 && type === "BOOLEAN") {
      const runs = new ByteReader(reader.take(reader.uint32()));
      return readRuns(runs, 1, count);
    }
    if (encoding === 5 && type === "INT32") return readDeltas(reader, new Int32Array(count));
    if (encoding === 5 && type === "INT64") return readDeltas(reader, new BigInt64Array(count));
    const areBytes = type === "BYTE_ARRAY" || type === "FIXED";
    if ((encoding === 6 || encoding === 7) && areBytes) {
      return readByteArrays(reader, count, encoding === 7, this.#budget);
    }
    if (encoding === 9) return readSplit(reader, type, count, length);
    throw new Error(`encoding ${encoding} of type ${type}`);
  }
}

function headerOf(header: ThriftStruct, id: number): ThriftStruct {
  const one = structOf(header, id);
  if (!one) throw new Error("a page without a description");
  return one;
}
