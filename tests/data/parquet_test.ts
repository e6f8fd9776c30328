import assert from "node:assert/strict";
import { join } from "node:path";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { parquetAsCsv } from "../../src/data/parquet/read.ts";
import { readCsv } from "../../src/data/csv.ts";
import { ROOT } from "../helpers/commands.ts";
import { utf8 } from "../helpers/data_files.ts";
import { ownMemory } from "../helpers/own_memory.ts";

const csvOf = (bytes: Uint8Array): string =>
  [...parquetAsCsv(bytes, "x")].map((part) => new TextDecoder().decode(part)).join("");

/** Cells of CSV, without the quotes around them. */
const cellsOf = (text: string): string[] =>
  [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(?:,|\n)/g)].map(([, quoted, plain]) => quoted ?? plain);

for (const name of ["dictionaries", "encodings"]) {
  Deno.test(`${name}.parquet has what pyarrow wrote into it`, async () => {
    const folder = join(ROOT, "fixtures/parquet"),
      file = await Deno.readFile(join(folder, `${name}.parquet`));
    const expected = cellsOf(await Deno.readTextFile(join(folder, "table.csv")));
    assert.equal(expected.length, 25 * 14);
    assert.deepEqual(cellsOf(csvOf(file)), expected);
  });
}

/** Fields of Thrift's compact protocol, the numbers one after the other; undefined leaves one out. */
type Field = number | boolean | string | readonly Field[] | { readonly [id: number]: Field | undefined };

function varint(value: number): number[] {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}
const integer = (value: number) => varint(value < 0 ? -2 * value - 1 : 2 * value);

function typeOf(field: Field): number {
  if (typeof field === "boolean") return field ? 1 : 2;
  if (typeof field === "number") return 6;
  if (typeof field === "string") return 8;
  return Array.isArray(field) ? 9 : 12;
}

function bytesOf(field: Field): number[] {
  if (typeof field === "boolean") return [];
  if (typeof field === "number") return integer(field);
  if (typeof field === "string") return [...varint(field.length), ...utf8(field)];
  if (Array.isArray(field)) {
    return [0xf0 + typeOf(field[0] ?? 0), ...varint(field.length), ...field.flatMap(bytesOf)];
  }
  const fields = Object.entries(field).filter(([, value]) => value !== undefined);
  return [
    ...fields.flatMap(([id, value]) => [typeOf(value!), ...integer(Number(id)), ...bytesOf(value!)]),
    0,
  ];
}

/** A page: its header, and its bytes. */
interface Page {
  /** Undefined for none. */
  readonly header: Field | undefined;
  readonly bytes: Iterable<number>;
}

/** What a file of one column is made of. */
interface Parts {
  readonly pages: readonly Page[];
  readonly rows: number;
  /** Types by number: 0 truth, 1 and 2 integers of 32 and 64 bits, 4 and 5 floats, 6 bytes, 7 bytes of a length. */
  readonly type?: number;
  readonly codec?: number;
  readonly isOptional?: boolean;
  /** Fields of the column's description besides. */
  readonly schema?: { readonly [id: number]: Field };
  /** Number of equal groups of rows; 1 if absent. */
  readonly groups?: number;
  /** Fields of the file's description besides. */
  readonly about?: { readonly [id: number]: Field };
  /** Fields of the pages' description besides. */
  readonly chunk?: { readonly [id: number]: Field };
}

/** A Parquet file of one column `a`. */
function fileOf(parts: Parts): Uint8Array<ArrayBuffer> {
  const { pages, rows, type = 1, codec = 0, isOptional = false, groups = 1 } = parts;
  const body = pages.flatMap((
    { header, bytes },
  ) => [...header === undefined ? [] : bytesOf(header), ...bytes]);
  const chunk = {
    1: type,
    3: ["a"],
    4: codec,
    5: rows,
    6: body.length,
    7: body.length,
    9: 4,
    ...parts.chunk,
  };
  const columns = [{ 4: "root", 5: 1 }, { 1: type, 3: isOptional ? 1 : 0, 4: "a", ...parts.schema }];
  const group = { 1: [{ 2: 4, 3: chunk }], 2: body.length, 3: rows };
  const about = { 1: 2, 2: columns, 3: groups * rows, 4: Array(groups).fill(group), ...parts.about };
  const end = bytesOf(about), length = new Uint8Array(Uint32Array.of(end.length).buffer);
  return Uint8Array.from([...utf8("PAR1"), ...body, ...end, ...length, ...utf8("PAR1")]);
}

/** A data page of so many rows. */
const page = (count: number, encoding: number, bytes: Iterable<number>, size = [...bytes].length): Page => {
  const all = [...bytes];
  return { header: { 1: 0, 2: size, 3: all.length, 5: { 1: count, 2: encoding, 3: 3, 4: 3 } }, bytes: all };
};
/** A dictionary of so many words. */
const words = (count: number, bytes: Iterable<number>): Page => {
  const all = [...bytes];
  return { header: { 1: 2, 2: all.length, 3: all.length, 7: { 1: count, 2: 0 } }, bytes: all };
};
const int32s = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);

/** Numbers that a copy of bytes compresses. */
const NUMBERS = Array.from({ length: 40 }, (_, k) => k < 8 ? k * 1000 : 77);
const PLAIN = int32s(...NUMBERS);
/** The last 128 bytes of `PLAIN` repeat its 4 bytes from 32 on. */
const START = PLAIN.subarray(0, 36);
const big = (value: number) => [value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255];
const LZ4 = [0xff, 36 - 15, ...START, 4, 0, 112 - 19, 0xc0, ...PLAIN.subarray(148)];
const COMPRESSED: Readonly<Record<string, readonly [codec: number, bytes: Iterable<number>]>> = {
  "itself": [0, PLAIN],
  "snappy, with copies": [
    1,
    [...varint(160), 35 << 2, ...START, 63 << 2 | 2, 4, 0, 1, 4, 55 << 2 | 3, 4, 0, 0, 0], // of 64, 4 and 56 bytes
  ],
  "snappy, with a long literal": [1, [...varint(160), 60 << 2, 159, ...PLAIN]],
  "gzip": [2, gzipSync(PLAIN)],
  "brotli": [4, brotliCompressSync(PLAIN)],
  "LZ4 in Hadoop's blocks": [5, [...big(160), ...big(LZ4.length), ...LZ4]],
  "LZ4 by itself, under the older number": [5, LZ4],
  "zstd": [6, zstdCompressSync(PLAIN)],
  "LZ4": [7, LZ4],
};

for (const [what, [codec, bytes]] of Object.entries(COMPRESSED)) {
  Deno.test(`a page is expanded from ${what}`, () => {
    const text = csvOf(fileOf({ pages: [page(40, 0, bytes, 160)], rows: 40, codec }));
    assert.deepEqual(text.trim().split("\n").slice(1).map(Number), NUMBERS);
    const longer = fileOf({ pages: [page(40, 0, bytes, 164)], rows: 40, codec });
    assert.throws(() => csvOf(longer), /InputError: Cannot read "x": .* found damage: /);
    const shorter = fileOf({ pages: [page(39, 0, bytes, 156)], rows: 39, codec });
    assert.throws(() => csvOf(shorter), /InputError: Cannot read "x": .* found damage: /);
  });
}

Deno.test("runs of numbers may be longer than what is left, and empty", () => {
  const runs = [2, 0 << 1, 1, 99 << 1, 1, 1]; // of 2 bits: no row, then more rows than there are
  const text = csvOf(fileOf({ pages: [words(2, int32s(5, 6)), page(3, 8, runs)], rows: 3 }));
  assert.equal(text, '"a"\n6\n6\n6\n');
});

Deno.test("a row of one missing value is a row", async () => {
  const levels = [2, 0, 0, 0, 3, 0b101]; // 3 rows in 8 bits
  const text = csvOf(
    fileOf({ pages: [page(3, 0, [...levels, ...int32s(4, 7)])], rows: 3, isOptional: true }),
  );
  assert.equal(text, '"a"\n4\n""\n7\n');
  assert.equal((await readCsv([utf8(text)], "x", { header: true })).count, 3);
});

const MANY = 2 ** 23, deltas = [...varint(128), ...varint(4), ...varint(3), 0];

/** Files that would cost their reader time or memory without end, and a part of what is said of them. */
const HOSTILE: Readonly<Record<string, readonly [file: Parts, said: RegExp]>> = {
  "more rows than a table may have": [
    { pages: [page(1, 0, int32s(1))], rows: 2 ** 31 },
    /number of rows of 2147483648/,
  ],
  "2^28 rows and none": [{ pages: [], rows: 2 ** 28 }, /where none is left/],
  "a page of more rows than its group": [
    { pages: [page(4, 0, int32s(1, 2, 3, 4))], rows: 3 },
    /values of 4, not 0 to 3/,
  ],
  "more values than a table may have": [
    { pages: [], rows: 2 ** 29, groups: 2 },
    /more than 536870912 values/,
  ],
  "another number of rows than its groups have": [{
    pages: [page(1, 0, int32s(1))],
    rows: 1,
    about: { 3: 2 },
  }, /number of rows of 2, not 1 to 1/],
  "a group of fewer columns": [
    { pages: [], rows: 1, about: { 4: [{ 1: [], 2: 0, 3: 1 }] } },
    /0 of 1 columns/,
  ],
  "pages of another type": [{ pages: [], rows: 1, chunk: { 1: 5 } }, /type DOUBLE in a column of type INT32/],
  "pages beyond the end": [{ pages: [], rows: 1, chunk: { 7: 99 } }, /size of 99, not 0 to 0/],
  "a page without a size": [
    { pages: [{ header: { 1: 0, 2: 4, 5: { 1: 1, 2: 0 } }, bytes: [] }], rows: 1 },
    /page size/,
  ],
  "a page of a size below 0": [{
    pages: [{ header: { 1: 0, 2: 4, 3: -9, 5: { 1: 1, 2: 0 } }, bytes: int32s(1) }],
    rows: 1,
  }, /page size of -9/],
  "a page larger than its column": [{
    pages: [{ header: { 1: 0, 2: 4, 3: 2 ** 30, 5: { 1: 1, 2: 0 } }, bytes: int32s(1) }],
    rows: 1,
  }, /page size of 1073741824, not 0 to 4/],
  "a page that is said to expand to 256 MB": [
    { pages: [page(1, 0, [1], 2 ** 28 + 1)], rows: 1, codec: 1 },
    /page size/,
  ],
  "pages of no rows": [{
    pages: Array.from({ length: 999 }, () => page(0, 0, [])),
    rows: 1,
  }, /where none is left/],
  "a run of 2^30 numbers, of which none is in the dictionary": [{
    pages: [words(1, int32s(5)), page(3, 8, [1, ...varint(2 ** 31), 1])],
    rows: 3,
  }, /dictionary of 1 lacks/],
  "2^30 groups of numbers of no bits": [{
    pages: [page(3, 8, [0, ...varint(2 ** 31 - 1)])],
    rows: 3,
  }, /dictionary of 0 lacks/],
  "more groups of numbers than there are bytes": [{
    pages: [words(1, int32s(5)), page(MANY, 8, [8, ...varint(2 ** 31 - 1), 0])],
    rows: MANY,
  }, /1 bytes for 8388608 numbers/],
  "differences in blocks of fewer than no values": [{
    pages: [page(9, 5, [...varint(2 ** 32 - 128), ...deltas.slice(2)])],
    rows: 9,
  }, /blocks of 4294967168 in 4 parts/],
  "differences in no parts": [
    { pages: [page(9, 5, [...varint(128), 0, 9, 0])], rows: 9 },
    /blocks of 128 in 0 parts/,
  ],
  "differences in as many parts as values": [{
    pages: [page(9, 5, [...varint(128), ...varint(128), 9, 0])],
    rows: 9,
  }, /blocks of 128 in 128 parts/],
  "a difference that is an integer of 99 bytes": [{
    pages: [page(9, 5, [...deltas, ...Array(99).fill(0x80), 0, 0, 0, 0, 0])],
    rows: 9,
  }, /an integer of more than 10 bytes/],
  "differences of 65 bits": [{
    pages: [page(9, 5, [...deltas, 0, 65, 0, 0, 0, ...new Uint8Array(999)])],
    rows: 9,
  }, /differences of 65 bits/],
  "a word that has more of the one before than there is": [{
    pages: [page(2, 7, [...varint(128), 1, 0, 0, 2, 0, ...varint(128), 1, 0, 0, 2, 0, 0x61])],
    rows: 2,
    type: 6,
  }, /1 bytes of 0/],
  "a snappy literal that ends before it begins": [{
    pages: [page(1, 0, [4, 63 << 2, 0xf0, 0xff, 0xff, 0xff, 1, 2, 3, 4], 4)],
    rows: 1,
    codec: 1,
  }, /4294967281 bytes where 4 are left/],
  "a snappy copy from before the beginning": [
    { pages: [page(1, 0, [4, 1, 9], 4)], rows: 1, codec: 1 },
    /9 bytes before/,
  ],
  "zstd of more bytes than its page": [{
    pages: [page(1, 0, zstdCompressSync(new Uint8Array(1e8)), 4)],
    rows: 1,
    codec: 6,
  }, /larger than 4 bytes/],
  "brotli of more bytes than its page": [{
    pages: [page(1, 0, brotliCompressSync(new Uint8Array(1e7)), 4)],
    rows: 1,
    codec: 4,
  }, /larger than 4 bytes/],
  "a word of 64 KiB in each of 2^20 rows": [{
    pages: [
      words(1, [0, 0, 1, 0, ...new Uint8Array(65536).fill(0x61)]),
      page(2 ** 20, 8, [1, ...varint(2 ** 21), 0]),
    ],
    rows: 2 ** 20,
    type: 6,
  }, /more than 134217728 bytes when expanded/],
  "2^15 words, each the one before and a byte": [{
    pages: [page(2 ** 15, 7, [
      ...[...varint(2 ** 20), 1, 0, 0, 2, 0], // shared bytes: 0, 1, 2, …
      ...[...varint(2 ** 20), 1, 0, 2, 0, 0], // and one more
      ...new Uint8Array(2 ** 15),
    ])],
    rows: 2 ** 15,
    type: 6,
  }, /more than 134217728 bytes when expanded/],
  "2^25 values in a file of 200 bytes": [{
    pages: [words(1, int32s(5)), page(2 ** 25, 8, [1, ...varint(2 ** 26), 0])],
    rows: 2 ** 25,
  }, /more than 134217728 bytes when expanded/],
  "structures within one another": [{
    pages: [{ header: undefined, bytes: new Uint8Array(9999).fill(0x1c) }],
    rows: 1,
  }, /more than 16 structures/],
  "a list of 2^40 numbers": [{
    pages: [{ header: undefined, bytes: [0x19, 0xf5, ...varint(2 ** 40)] }],
    rows: 1,
  }, /list of 1099511627776 where 0 bytes are left/],
  "a decimal number of 64 KiB": [{
    pages: [page(1, 0, [0, 0, 1, 0, ...new Uint8Array(65536)])],
    rows: 1,
    type: 6,
    schema: { 6: 5 },
  }, /decimal number of 65536 bytes/],
  "a date beyond all calendars": [{
    pages: [page(1, 0, int32s(2 ** 31 - 1))],
    rows: 1,
    schema: { 6: 6 },
  }, /Invalid time value/],
};

for (const [what, [parts, said]] of Object.entries(HOSTILE)) {
  Deno.test(`Parquet: ${what}`, () => {
    const file = fileOf(parts), before = ownMemory();
    let length = 0;
    assert.throws(() => {
      for (const part of parquetAsCsv(file, "x")) {
        length += part.length;
        assert.ok(length <= 2 ** 27, "CSV without end");
      }
    }, (error: Error) => error.name === "InputError" && said.test(error.message) || assert.fail(error));
    const mebibytes = (ownMemory() - before) / 2 ** 20;
    assert.ok(mebibytes < 200, `${mebibytes} MiB`);
  });
}

Deno.test("columns of lists, of structures and of bytes are refused by name", () => {
  const refused = (parts: Partial<Parts>, said: RegExp) =>
    assert.throws(() => csvOf(fileOf({ pages: [], rows: 0, ...parts })), said);
  refused({ schema: { 3: 2 } }, /words but found lists or structures in column "a"; write it again/);
  refused({ schema: { 5: 1 } }, /words but found lists or structures in column "a"; write it again/);
  refused({ type: 7, schema: { 2: 3 } }, /words but found bytes in column "a"; write it again/);
});
