/**
 * Files of the shapes that people bring, written by the tests themselves.
 * @module
 */
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
