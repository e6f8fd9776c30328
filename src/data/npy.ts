/**
 * NumPy's NPY format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1.0, 2.0 and
 * 3.0: eight bytes that name the version, the length of the header, a Python dictionary with the element type, the
 * order and the shape, then the elements. Unsigned bytes and 32-bit little-endian floats in C order are read.
 * @module
 */
import { InputError, quote, toOneLine } from "../errors.ts";

/** Header of an NPY file. */
export interface NpyHeader {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  /** True for 32-bit floats, false for unsigned bytes. */
  readonly isFloat: boolean;
  /** Byte offset of the elements. */
  readonly offset: number;
}

/** The contents of one NPY file. */
export interface Npy {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  /** Elements, row-major: a view of the file if its alignment allows. */
  readonly data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Limit on the header in bytes, the same as NumPy's. */
const MAX_HEADER_BYTES = 10_000;
/** Number of bytes at the beginning of a file that contain any accepted header. */
export const HEADER_BYTES: number = 12 + MAX_HEADER_BYTES;
const TYPE_NAMES: Readonly<Record<string, string>> = {
  "<f8": "64-bit floats",
  "<f2": "16-bit floats",
  ">f4": "big-endian floats",
  "<i8": "64-bit integers",
  "<i4": "32-bit integers",
  "|i1": "signed bytes",
  "|b1": "truth values",
  "|O": "Python objects",
};

function fail(name: string, problem: string): never {
  throw new InputError(`Cannot read "${name}": ${problem}`);
}

/** Returns true if the bytes start with NPY's magic string. */
export function isNpy(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, at) => bytes[at] === byte);
}

/**
 * Reads the header of an NPY file and compares it with the file's size, so that a wrong header is rejected
 * before the elements are read.
 *
 * @param bytes the beginning of the file: the first {@link HEADER_BYTES} bytes, or the whole file
 * @param name the file's name for messages
 * @param fileBytes the size of the file in bytes
 * @throws {InputError} if the file is not a complete array of unsigned bytes or 32-bit floats in C order
 */
export function readNpyHeader(bytes: Uint8Array<ArrayBuffer>, name: string, fileBytes: number): NpyHeader {
  if (bytes.length === 0) fail(name, "expected an NPY file but it is empty");
  if (!isNpy(bytes)) {
    const found = [...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    fail(name, `expected an NPY file, which starts with 93 4e 55 4d 50 59, but found ${found} at byte 0`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6] !== 1; // the header's length has two bytes in version 1, four in versions 2 and 3
  const begin = isLong ? 12 : 10;
  if (bytes.length < begin) fail(name, `expected an NPY header but the file ends at byte ${bytes.length}`);
  if (![1, 2, 3].includes(bytes[6]) || bytes[7] !== 0) {
    fail(name, `expected NPY version 1.0, 2.0 or 3.0 but found ${bytes[6]}.${bytes[7]} at byte 6`);
  }
  const headerBytes = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  if (headerBytes > MAX_HEADER_BYTES) {
    fail(name, `expected a header of at most ${MAX_HEADER_BYTES} bytes but found ${headerBytes} at byte 8`);
  }
  const offset = begin + headerBytes;
  if (bytes.length < offset) {
    fail(name, `expected a header up to byte ${offset} but the file ends at byte ${bytes.length}`);
  }
  const header = new TextDecoder(bytes[6] === 3 ? "utf-8" : "latin1").decode(bytes.subarray(begin, offset));
  const field = (key: string, value: string): string => {
    const found = new RegExp(`['"]${key}['"]\\s*:\\s*(${value})\\s*[,}]`).exec(header)?.[1];
    return found ??
      fail(name, `expected "${key}" in the header at byte ${begin} but found ${quote(header.trim())}`);
  };
  const type = field("descr", "'[^']*'|\"[^\"]*\"|\\[[^]*?\\]").replace(/^['"]|['"]$/g, "");
  const order = field("fortran_order", "True|False");
  const shape = field("shape", "\\([\\d\\s,L]*\\)").match(/\d+/g)?.map(Number) ?? [];
  if (type !== "|u1" && type !== "<f4") {
    const known = TYPE_NAMES[type];
    fail(
      name,
      `expected element type |u1 (unsigned bytes) or <f4 (32-bit floats) but found ${quote(type)}` +
        `${known === undefined ? "" : ` (${known})`} in the header at byte ${begin}; convert with ` +
        'array.astype("uint8") or array.astype("float32")',
    );
  }
  if (order === "True") {
    fail(name, `expected C order but found Fortran order; save numpy.ascontiguousarray(array)`);
  }
  // float64 arithmetic: large dimensions can give Infinity, but never wrap around
  const count = shape.reduce((product, length) => product * length, 1);
  const isFloat = type === "<f4", size = count * (isFloat ? 4 : 1);
  if (fileBytes !== offset + size) {
    fail(
      name,
      `expected ${size} bytes from byte ${offset} for shape (${
        toOneLine(shape.join(", "))
      }) but the file has ` +
        `${fileBytes - offset}; save it again`,
    );
  }
  return { shape, isFloat, offset };
}

/**
 * Reads an NPY file.
 *
 * @param bytes the file
 * @param name the file's name for messages
 * @throws {InputError} if the file is not a complete array of unsigned bytes or 32-bit floats in C order
 */
export function readNpy(bytes: Uint8Array<ArrayBuffer>, name: string): Npy {
  const { shape, isFloat, offset } = readNpyHeader(bytes, name, bytes.length);
  if (!isFloat) return { shape, data: bytes.subarray(offset) };
  const at = bytes.byteOffset + offset;
  // NumPy aligns the elements; those of other writers are copied if unaligned
  const data = at % 4 === 0
    ? new Float32Array(bytes.buffer, at, (bytes.length - offset) / 4)
    : new Float32Array(bytes.slice(offset).buffer);
  return { shape, data };
}
