/**
 * NumPy's NPY format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1.0, 2.0 and
 * 3.0: eight bytes that name the version, the length of the header, a Python dictionary with the element type, the
 * order and the shape, then the elements. All numeric and boolean types are read, in either byte order and either
 * order of elements.
 * @module
 */
import { InputError, quote, toOneLine } from "../errors.ts";
import { bytesOf, decodeNumbers, fromFortranOrder, NUMBER_TYPES, type NumberType } from "./numbers.ts";
import type { TableValues } from "./table.ts";

/** Header of an NPY file. */
export interface NpyHeader {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  /** Type of the elements. */
  readonly type: NumberType;
  /** Byte order of the elements. */
  readonly isLittleEndian: boolean;
  /** True if the first index varies fastest. */
  readonly isFortran: boolean;
  /** Byte offset of the elements. */
  readonly offset: number;
}

/** The contents of one NPY file. */
export interface Npy {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  /** Elements, row-major: a view of the file if its type, order and alignment allow. */
  readonly data: TableValues;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Limit on the header in bytes, the same as NumPy's. */
const MAX_HEADER_BYTES = 10_000;
/** Number of bytes at the beginning of a file that contain any accepted header. */
export const HEADER_BYTES: number = 12 + MAX_HEADER_BYTES;
/** Letters of types that are not numbers, with how to save numbers instead. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  O: 'Python objects, which are pickled; save an array of numbers, as numpy.array(rows, dtype="float32") makes it',
  c: "complex numbers; save their real and imaginary parts, or numpy.abs(array)",
  S: "texts; save numbers",
  U: "texts; save numbers",
  V: "raw bytes; save numbers",
  M: 'dates; save array.astype("int64")',
  m: 'time spans; save array.astype("int64")',
  f: 'floats that only NumPy reads; save array.astype("float64")',
};
/** Maximum depth of Python literals. */
const MAX_DEPTH = 8;

/** A Python literal: tuples and lists are arrays, None is null. */
type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<Literal, Literal>;

/** Parses the Python literal of a header; undefined if it is not one. */
function parseLiteral(text: string): Literal | undefined {
  let at = 0;
  const skip = () => {
    while (/\s/.test(text[at] ?? "")) at++;
  };
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found ?? undefined;
  };
  const items = (close: string, item: () => boolean): boolean => {
    for (skip(); text[at] !== close; skip()) {
      if (!item()) return false;
      skip();
      if (text[at] === ",") at++;
      else if (text[at] !== close) return false;
    }
    at++;
    return true;
  };
  const parse = (depth: number): Literal | undefined => {
    skip();
    const open = text[at];
    if (depth > MAX_DEPTH || open === undefined) return undefined;
    if (open === "{") {
      at++;
      const found = new Map<Literal, Literal>();
      const isSound = items("}", () => {
        const key = parse(depth + 1);
        skip();
        if (key === undefined || text[at++] !== ":") return false;
        const value = parse(depth + 1);
        if (value !== undefined) found.set(key, value);
        return value !== undefined;
      });
      return isSound ? found : undefined;
    }
    if (open === "(" || open === "[") {
      at++;
      const found: Literal[] = [];
      const isSound = items(open === "(" ? ")" : "]", () => {
        const value = parse(depth + 1);
        if (value !== undefined) found.push(value);
        return value !== undefined;
      });
      return isSound ? found : undefined;
    }
    const string = take(/'([^'\\\n]*)'|"([^"\\\n]*)"/y);
    if (string) return string[1] ?? string[2];
    const integer = take(/-?\d+(?=L?\b)L?/y);
    if (integer) return Number.parseInt(integer[0], 10);
    const word = take(/True|False|None/y);
    return word ? { True: true, False: false, None: null }[word[0]] : undefined;
  };
  const value = parse(0);
  skip();
  return at === text.length ? value : undefined;
}

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
 * @throws {InputError} if the file is not a complete array of numbers or truth values
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
  const fields = parseLiteral(header);
  const field = (key: string, isValid: (value: Literal) => boolean): Literal => {
    const value = fields instanceof Map ? fields.get(key) as Literal | undefined : undefined;
    if (value !== undefined && isValid(value)) return value;
    fail(name, `expected "${key}" in the header at byte ${begin} but found ${quote(header.trim())}`);
  };
  const descr = field("descr", (value) => typeof value === "string" || Array.isArray(value));
  const isFortran = field("fortran_order", (value) => typeof value === "boolean") as boolean;
  const isLength = (value: Literal) => Number.isSafeInteger(value) && Number(value) >= 0;
  const shape = field("shape", (value) => Array.isArray(value) && value.every(isLength)) as readonly number[];
  const { type, isLittleEndian } = elementType(descr, name, begin);
  // float64 arithmetic: large dimensions can give Infinity, but never wrap around
  const count = shape.reduce((product, length) => product * length, 1);
  const size = count * bytesOf(type);
  if (fileBytes !== offset + size) {
    fail(
      name,
      `expected ${size} bytes from byte ${offset} for shape (${
        toOneLine(shape.join(", "))
      }) but the file has ` +
        `${fileBytes - offset}; save it again`,
    );
  }
  return { shape, type, isLittleEndian, isFortran, offset };
}

/** Parses an element type, such as `<f4`. */
function elementType(
  descr: Literal,
  name: string,
  begin: number,
): Pick<NpyHeader, "type" | "isLittleEndian"> {
  const expected = "expected numbers or truth values but found";
  if (typeof descr !== "string") {
    const first = Array.isArray(descr) && Array.isArray(descr[0]) ? quote(descr[0][0]) : "a name";
    fail(
      name,
      `${expected} a structured array with named fields, ${
        quote(descr)
      }, in the header at byte ${begin}; save one ` +
        `field, array[${first}], or numpy.lib.recfunctions.structured_to_unstructured(array)`,
    );
  }
  const [, order, type] = /^([<>|=])([a-zA-Z]\d*)/.exec(descr) ?? [];
  const known = NUMBER_TYPES.find((known) => known === type && descr.length === 3);
  if (known) return { type: known, isLittleEndian: order !== ">" };
  const [what = "an unknown type", remedy = "save numbers"] = OTHER_TYPES[type?.[0] ?? ""]?.split("; ") ?? [];
  fail(name, `${expected} ${quote(descr)} (${what}) in the header at byte ${begin}; ${remedy}`);
}

/**
 * Reads an NPY file.
 *
 * @param bytes the file
 * @param name the file's name for messages
 * @throws {InputError} if the file is not a complete array of numbers or truth values
 */
export function readNpy(bytes: Uint8Array<ArrayBuffer>, name: string): Npy {
  const { shape, type, isLittleEndian, isFortran, offset } = readNpyHeader(bytes, name, bytes.length);
  const values = decodeNumbers(bytes.subarray(offset), type, isLittleEndian);
  return { shape, data: isFortran ? fromFortranOrder(values, shape) : values };
}
