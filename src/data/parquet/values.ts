/**
 * Parquet's encodings of values. Each reads a known number of values, and throws if there are not enough bytes for them.
 * @module
 */
import type { ByteReader } from "./thrift.ts";

/** Types of values by their number in Parquet. */
export const TYPES = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED",
] as const;
/** A type of values. */
export type ValueType = typeof TYPES[number];
/** A value as it is stored; a truth is 0 or 1. */
export type Value = number | bigint | Uint8Array;
/** Values as they are stored. */
export type Values = ArrayLike<Value>;
/** Numbers of few bits. */
export type Runs = Uint8Array | Uint16Array | Uint32Array;

/** Most bits of a number in a run. */
const MAX_RUN_BITS = 32;
/** Most values in a block of differences. */
const MAX_BLOCK = 2 ** 20;

/** Limits what a file expands to. */
export class Budget {
  readonly #most: number;
  #left: number;

  /** Allows so many bytes. */
  constructor(most: number) {
    this.#most = this.#left = most;
  }

  /** Counts bytes. */
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) {
      throw new Error(`more than ${this.#most} bytes when expanded, which is too much for its size`);
    }
  }
}

/** Bits of a number of at most 32 bits, the lowest first. */
function bitsAt(bytes: Uint8Array, at: number, width: number): number {
  const first = Math.floor(at / 8), skipped = at % 8;
  if (width <= 24) { // four bytes have it, which is faster
    const four = bytes[first] | bytes[first + 1] << 8 | bytes[first + 2] << 16 | bytes[first + 3] << 24;
    return four >>> skipped & 2 ** width - 1;
  }
  let value = 0;
  for (let k = 0; 8 * k < skipped + width; k++) value += bytes[first + k] * 2 ** (8 * k);
  return Math.floor(value / 2 ** skipped) % 2 ** width;
}

/** Copies of items of `size` bytes, aligned. */
function aligned(reader: ByteReader, count: number, size: number): ArrayBuffer {
  return new Uint8Array(reader.take(count * size)).buffer;
}

/** Bytes as numbers of a type. */
function numbersOf(type: ValueType, bytes: ArrayBuffer): Values {
  switch (type) {
    case "INT32":
      return new Int32Array(bytes);
    case "INT64":
      return new BigInt64Array(bytes);
    case "FLOAT":
      return new Float32Array(bytes);
    case "DOUBLE":
      return new Float64Array(bytes);
    default:
      throw new Error(`numbers of type ${type}`);
  }
}

/** Bytes of a value of a type; undefined if they differ. */
function sizeOf(type: ValueType, length: number): number | undefined {
  return {
    INT32: 4,
    INT64: 8,
    INT96: 12,
    FLOAT: 4,
    DOUBLE: 8,
    FIXED: length,
    BOOLEAN: undefined,
    BYTE_ARRAY: undefined,
  }[
    type
  ];
}

/**
 * Reads values one after the other.
 *
 * @param length bytes of a value of fixed length
 */
export function readPlain(reader: ByteReader, type: ValueType, count: number, length: number): Values {
  if (type === "BOOLEAN") {
    const bytes = reader.take(Math.ceil(count / 8));
    return Uint8Array.from({ length: count }, (_, k) => bitsAt(bytes, k, 1));
  }
  const size = sizeOf(type, length);
  if (type !== "INT96" && type !== "FIXED" && size !== undefined) {
    return numbersOf(type, aligned(reader, count, size));
  }
  const values: Uint8Array[] = [];
  while (values.length < count) values.push(reader.take(size ?? reader.uint32()));
  return values;
}

/**
 * Reads numbers in runs: a run repeats one number, or has groups of eight numbers.
 *
 * @param width bits of a number
 */
export function readRuns(reader: ByteReader, width: number, count: number): Runs {
  if (width > MAX_RUN_BITS) throw new Error(`numbers of ${width} bits`);
  const numbers = new (width <= 8 ? Uint8Array : width <= 16 ? Uint16Array : Uint32Array)(count);
  if (width === 0) return numbers;
  for (let filled = 0; filled < count;) {
    const head = reader.varint();
    if (head % 2 === 0) {
      const value = bitsAt(reader.take(Math.ceil(width / 8)), 0, width);
      numbers.fill(value, filled, filled += head / 2); // as far as there is room
    } else {
      const groups = (head - 1) / 2, wanted = Math.min(count - filled, 8 * groups);
      const bytes = reader.take(Math.min(reader.left, groups * width)); // some writers end amid the last group
      if (8 * bytes.length < wanted * width) throw new Error(`${bytes.length} bytes for ${wanted} numbers`);
      for (let k = 0; k < wanted; k++) numbers[filled++] = bitsAt(bytes, k * width, width);
    }
  }
  return numbers;
}

/** Reads integers as differences, in blocks that have their least difference and how many bits the rest takes. */
export function readDeltas<T extends Int32Array | BigInt64Array>(reader: ByteReader, integers: T): T {
  const size = reader.varint(), parts = reader.varint();
  reader.varint(); // the number of values, which is known
  const inPart = size / parts;
  if (!(size <= MAX_BLOCK && inPart >= 8 && inPart % 8 === 0)) {
    throw new Error(`blocks of ${size} in ${parts} parts`);
  }
  const put = (at: number, value: bigint) => {
    if (integers instanceof Int32Array) integers[at] = Number(BigInt.asIntN(32, value));
    else integers[at] = value; // of its lowest 64 bits
  };
  let value = reader.zigzag(), filled = 0;
  if (integers.length > 0) put(filled++, value);
  while (filled < integers.length) {
    const least = reader.zigzag();
    for (const width of reader.take(parts)) {
      const wanted = Math.min(inPart, integers.length - filled);
      if (wanted === 0) break;
      if (width > 64) throw new Error(`differences of ${width} bits`);
      const bytes = reader.take(Math.min(reader.left, inPart * width / 8)); // some writers end amid the last part
      if (8 * bytes.length < wanted * width) {
        throw new Error(`${bytes.length} bytes for ${wanted} differences`);
      }
      for (let k = 0; k < wanted; k++) {
        const low = bitsAt(bytes, k * width, Math.min(32, width));
        const high = width > 32 ? BigInt(bitsAt(bytes, k * width + 32, width - 32)) << 32n : 0n;
        value = BigInt.asIntN(64, value + least + BigInt(low) + high);
        put(filled++, value);
      }
    }
  }
  return integers;
}

/**
 * Reads byte arrays whose lengths come first.
 *
 * @param sharesStart true if each also says how many bytes it shares with the start of the one before
 */
export function readByteArrays(
  reader: ByteReader,
  count: number,
  sharesStart: boolean,
  budget: Budget,
): Values {
  const shared = sharesStart ? readDeltas(reader, new Int32Array(count)) : new Int32Array(count);
  const lengths = readDeltas(reader, new Int32Array(count));
  const values: Uint8Array[] = [];
  for (let k = 0; k < count; k++) {
    const rest = reader.take(lengths[k]), before = values[k - 1]?.length ?? 0;
    if (!(shared[k] >= 0 && shared[k] <= before)) throw new Error(`${shared[k]} bytes of ${before}`);
    budget.spend(shared[k]);
    if (shared[k] === 0) values.push(rest);
    else {
      const value = new Uint8Array(shared[k] + rest.length);
      value.set(values[k - 1].subarray(0, shared[k]));
      value.set(rest, shared[k]);
      values.push(value);
    }
  }
  return values;
}

/** Reads numbers whose first bytes come first, then their second bytes, and so on. */
export function readSplit(reader: ByteReader, type: ValueType, count: number, length: number): Values {
  const size = sizeOf(type, length);
  if (size === undefined) throw new Error(`split bytes of type ${type}`);
  const split = reader.take(count * size), bytes = new Uint8Array(count * size);
  for (let k = 0; k < count; k++) {
    for (let byte = 0; byte < size; byte++) bytes[k * size + byte] = split[byte * count + k];
  }
  if (type !== "FIXED") return numbersOf(type, bytes.buffer);
  return Array.from({ length: count }, (_, k) => bytes.subarray(k * size, (k + 1) * size));
}
