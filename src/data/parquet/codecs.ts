/**
 * Parquet's compressions. Each expands to exactly as many bytes as the page claims, or throws.
 * @module
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { ByteReader } from "./thrift.ts";

/** What a compression is expanded into, from the front to the back. */
class Expanded {
  readonly #bytes: Uint8Array;
  #end = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  /** What there is so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  append(part: Uint8Array): void {
    this.#reserve(part.length);
    this.#bytes.set(part, this.#end - part.length);
  }

  /** Repeats what stands `distance` bytes before, which may overlap what it writes. */
  repeat(distance: number, length: number): void {
    if (!(distance >= 1 && distance <= this.#end)) throw new Error(`a copy from ${distance} bytes before`);
    this.#reserve(length);
    for (let at = this.#end - length; at < this.#end; at++) this.#bytes[at] = this.#bytes[at - distance];
  }

  #reserve(length: number): void {
    if (length > this.#bytes.length - this.#end) {
      throw new Error(`more than ${this.#bytes.length} bytes in a page`);
    }
    this.#end += length;
  }
}

function expandSnappy(packed: Uint8Array, size: number): Uint8Array {
  const reader = new ByteReader(packed), expanded = new Expanded(size);
  const claimed = reader.varint();
  if (claimed !== size) throw new Error(`snappy of ${claimed} bytes for ${size}`);
  /** A number of `count` bytes, the lowest first. */
  const integer = (count: number) => reader.take(count).reduceRight((value, byte) => value * 256 + byte, 0);
  while (reader.left > 0) {
    const tag = reader.byte(), high = tag >> 2;
    if ((tag & 3) === 0) expanded.append(reader.take(1 + (high < 60 ? high : integer(high - 59))));
    else if ((tag & 3) === 1) expanded.repeat((tag >> 5) * 256 + reader.byte(), 4 + (high & 7));
    else expanded.repeat(integer((tag & 3) === 2 ? 2 : 4), 1 + high);
  }
  return expanded.bytes;
}

function expandLz4(packed: Uint8Array, expanded: Expanded): void {
  const reader = new ByteReader(packed);
  const length = (short: number) => {
    let sum = short;
    for (let byte = short === 15 ? 255 : 0; byte === 255; sum += byte) byte = reader.byte();
    return sum;
  };
  while (reader.left > 0) {
    const token = reader.byte();
    expanded.append(reader.take(length(token >> 4)));
    if (reader.left === 0) return; // the last sequence has no copy
    const [low, high] = reader.take(2);
    expanded.repeat(low + 256 * high, 4 + length(token & 15));
  }
}

/** Blocks, each below its two sizes, as Hadoop writes LZ4. */
function expandLz4Blocks(packed: Uint8Array, size: number): Uint8Array {
  const reader = new ByteReader(packed), expanded = new Expanded(size);
  const integer = () => reader.take(4).reduce((value, byte) => value * 256 + byte, 0);
  while (reader.left > 0) {
    integer(); // its size when expanded
    expandLz4(reader.take(integer()), expanded);
  }
  return expanded.bytes;
}

function expandLz4Block(packed: Uint8Array, size: number): Uint8Array {
  const expanded = new Expanded(size);
  expandLz4(packed, expanded);
  return expanded.bytes;
}

function expandLz4OfAnyKind(packed: Uint8Array, size: number): Uint8Array {
  try {
    const bytes = expandLz4Blocks(packed, size);
    if (bytes.length === size) return bytes;
  } catch {
    // no blocks
  }
  return expandLz4Block(packed, size);
}

/** Expands with zlib, which stops at the size. */
function native(expand: (packed: Uint8Array, options: { maxOutputLength: number }) => Uint8Array) {
  return (packed: Uint8Array, size: number): Uint8Array => expand(packed, { maxOutputLength: size });
}

/** The compressions by their number in Parquet; LZO has none. */
const CODECS: readonly (((packed: Uint8Array, size: number) => Uint8Array) | undefined)[] = [
  (packed) => packed,
  expandSnappy,
  native(gunzipSync),
  undefined,
  native(brotliDecompressSync),
  expandLz4OfAnyKind,
  native(zstdDecompressSync),
  expandLz4Block,
];

/**
 * Expands bytes.
 *
 * @param codec number of the compression
 * @param size what they expand to
 */
export function expand(codec: number, packed: Uint8Array, size: number): Uint8Array {
  const one = CODECS[codec];
  if (!one) throw new Error(`compression ${codec}, which is not supported`);
  const bytes = size === 0 ? new Uint8Array() : one(packed, size);
  if (bytes.length !== size) throw new Error(`${bytes.length} bytes in a page of ${size}`);
  return bytes;
}
