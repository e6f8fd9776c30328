/**
 * Files of the shapes that people bring, written by the tests themselves.
 * @module
 */
import { encode } from "../../src/dependencies/fast_png.ts";
import { zipSync } from "npm:fflate@0.8.3";
import { gzipSync } from "node:zlib";

/** UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** An NPY file, with its header as numpy.save writes it. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  isFortran = false,
): Uint8Array<ArrayBuffer> {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': ${descr}, 'fortran_order': ${isFortran ? "True" : "False"}, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const file = new Uint8Array(10 + length + data.length);
  file.set([0x93, ...utf8("NUMPY"), 1, 0, length & 255, length >> 8]);
  file.set(utf8(text.padEnd(length - 1) + "\n"), 10);
  file.set(data, 10 + length);
  return file;
}

/** Numbers as bytes of a type, such as `>f4`. */
export function bytesAs(type: string, values: readonly number[]): Uint8Array<ArrayBuffer> {
  const size = Number(type[2]),
    isLittle = type[0] !== ">",
    view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, k) => {
    const at = k * size;
    switch (type.slice(1)) {
      case "f2":
        return view.setFloat16(at, value, isLittle);
      case "f4":
        return view.setFloat32(at, value, isLittle);
      case "f8":
        return view.setFloat64(at, value, isLittle);
      case "i2":
        return view.setInt16(at, value, isLittle);
      case "u2":
        return view.setUint16(at, value, isLittle);
      case "i4":
        return view.setInt32(at, value, isLittle);
      case "u4":
        return view.setUint32(at, value, isLittle);
      case "i8":
        return view.setBigInt64(at, BigInt(value), isLittle);
      case "u8":
        return view.setBigUint64(at, BigInt(value), isLittle);
      default:
        return view.setInt8(at, value); // b1, i1, u1
    }
  });
  return new Uint8Array(view.buffer);
}

/** An IDX file of a type: 0x08 unsigned bytes, 0x0c 32-bit integers, 0x0d 32-bit floats. */
export function idxFile(code: number, shape: readonly number[], data: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  head.setUint8(2, code);
  head.setUint8(3, shape.length);
  shape.forEach((length, axis) => head.setUint32(4 + 4 * axis, length));
  return new Uint8Array([...new Uint8Array(head.buffer), ...data]);
}

/** A CSV file: a header, and rows made from their number. */
export function csvFile(
  header: string | undefined,
  count: number,
  row: (n: number) => readonly (number | string)[],
  separator = ",",
): Uint8Array<ArrayBuffer> {
  const rows = Array.from({ length: count }, (_, n) => row(n).join(separator));
  return utf8([...(header === undefined ? [] : [header]), ...rows].join("\n") + "\n");
}

/** The same file as gzip. */
export const gzip = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(gzipSync(bytes));

/** Fractions in [0, 1] with four digits, the same for the same place. */
export const share = (n: number, k: number): number => ((n * 7919 + k * 104729 + n * k * 31) % 10000) / 10000;

/** Whole numbers from 0 to `most`, with both in the first row. */
export const whole = (n: number, k: number, most: number): number =>
  n === 0 && k < 2 ? k * most : Math.floor(share(n, k) * (most + 1)) % (most + 1);

/** The numbers of `count` rows of `width`, made from row and column. */
export function grid(count: number, width: number, value: (n: number, k: number) => number): number[] {
  return Array.from({ length: count * width }, (_, at) => value(Math.floor(at / width), at % width));
}

/** A zip archive of NPY files, as numpy.savez (or, packed, numpy.savez_compressed) writes it. */
export function npzFile(
  arrays: Readonly<Record<string, Uint8Array>>,
  isPacked = false,
): Uint8Array<ArrayBuffer> {
  const files = Object.fromEntries(Object.entries(arrays).map(([name, file]) => [`${name}.npy`, file]));
  return new Uint8Array(zipSync(files, { level: isPacked ? 6 : 0 }));
}

/** A safetensors file of any types. */
export function safetensorsFile(
  tensors: Readonly<Record<string, readonly [dtype: string, shape: readonly number[], data: Uint8Array]>>,
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, [dtype, shape, data]]) => {
    const begin = end;
    end += data.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const header = utf8(JSON.stringify(Object.fromEntries(entries)));
  const file = new Uint8Array(8 + header.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  let at = 8 + header.length;
  for (const [, , data] of Object.values(tensors)) {
    file.set(data, at);
    at += data.length;
  }
  return file;
}

/** A PNG image of 8-bit channels. */
export function pngFile(
  height: number,
  width: number,
  channels: number,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode({ height, width, channels, data }));
}

/**
 * A Parquet file of 40 rows, written by hyparquet-writer 0.17.0 with snappy: `a` doubles 100 · share(n, 0) − 50, `b`
 * 32-bit integers n without row 7, `c` 64-bit integers n², `d;e` booleans, true for every third row, and `kind`, of
 * the words alpha, be"ta and #gam, ma.
 */
export const PARQUET: Uint8Array<ArrayBuffer> = Uint8Array.fromBase64(
  "UEFSMRUGFYQFFb4EXBVQFQAVUBUAFQQVAAAAUAHAAgAABQGoScBwPQrXozA9QMD1KFyPwiBAXI/C9SjcKMAehetRuJ5AwJqZ" +
    "mZmZ+UZApAEpECM5QFC4ARokEUB6FK5H4XowwAEnVB6lQsA0MzMzM/NEQNijcD0KFzVAAFIBKUjRP0fhehSuhzTA7FG4HoWr" +
    "RMDMAQEQ7EJADNcBKQwxQDBcAXEkDsAVrkfhepQ4wAU3DLFGwGYBAQzmQEB8AWgM+ilASAFICEcfwAUHCKE8wAFeDFG4SMAF" +
    "xwzAPUDkBZEkIUBACtejcL0nwAVfDFdAwOABGAhBR0AFoBCzOUCYwgHpABMJqAjXL8AB/wxwXULAAScQ4TpFQGgBeAimNUAJ" +
    "EQTqPwVoSPgzwKRwPQrXY0TAFK5H4Xo0Q0AVBhXAAhXIAlwVUBUCFVAVABUIFQAAAAN/QAGcAfCbAAAAAAEAAAACAAAAAwAA" +
    "AAQAAAAFAAAABgAAAAgAAAAJAAAACgAAAAsAAAAMAAAADQAAAA4AAAAPAAAAEAAAABEAAAASAAAAEwAAABQAAAAVAAAAFgAA" +
    "ABcAAAAYAAAAGQAAABoAAAAbAAAAHAAAAB0AAAAeAAAAHwAAACAAAAAhAAAAIgAAACMAAAAkAAAAJQAAACYAAAAnAAAAFQYV" +
    "hAUV1AJcFVAVABVQFQAVBBUAAABQAcACAAANAQABDQgABA0IAAkNCAAQDQgAGQ0IACQNCAAxDQgAQA0IAFENCABkDQgAeQ0I" +
    "AJANCACpDQgAxA0IAOENCBF5ACENgQBEDQgAaQ0IAJANCAC5DQgA5A0IBBECCUEAQA0IAHENCACkDQgA2Q0IBBADCSgASQ0I" +
    "AIQNCADBDQgAAA3xAEENCACEDQgAyQ0IBBAFCUAAWQ0IAKQNCBzxBQAAAAAAABUGFRgVHFwVUBUAFVAVBhUEFQAAAFABCiQG" +
    "AAAAC0mSJEmSFQQVPBVATBUGFQAAAB50BQAAAGFscGhhBQAAAGJlInRhCAAAACNnYW0sIG1hFQYVHBUgXBVQFQAVUBUQFQQV" +
    "AAAAUAEMLAILJEmSJEmSJEmSJBUEGWxIBHJvb3QVCgAVCiUCGAFhABUCJQIYAWIAFQQlAhgBYwAVACUCGANkO2UAFQwlAhgE" +
    "a2luZCUAABZQGRwZXCYIHBUKGRUAGRgBYRUCFlAWsgUW7AQmCDw2ACgI4HoUrkdBR0AYCAAAAAAAAEnANgAAGRwVBhUAFQIA" +
    "AAAm9AQcFQIZFQAZGAFiFQIWUBbuAhb2Aib0BDw2AigEJwAAABgEAAAAAAAZHBUGFQAVAgAAACbqBxwVBBkVABkYAWMVAhZQ" +
    "FrIFFoIDJuoHPDYAKAjxBQAAAAAAABgIAAAAAAAAAAAAGRwVBhUAFQIAAAAm7AocFQAZFQYZGANkO2UVAhZQFkIWRibsCjw2" +
    "ACgBARgBAAAZHBUGFQYVAgAAACayCxwVDBklABAZGARraW5kFQIWUBacARakASaMDCayCxw2ACgFYmUidGEYCCNnYW0sIG1h" +
    "ABksFQQVABUCABUGFRAVAgAAABawDxZQNs4MACgJaHlwYXJxdWV0GVwcAAAcAAAcAAAcAAAcAAAAjgEAAFBBUjE=",
);
