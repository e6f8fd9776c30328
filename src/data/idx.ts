/**
 * The IDX format of MNIST (http://yann.lecun.com/exdb/mnist): two zero bytes, an element type, the number of
 * dimensions, each dimension as a big-endian uint32, then the elements in row-major order, big-endian. Gzip is
 * recognized by its magic number, not by the file's name.
 * @module
 */
import { constants, gunzipSync } from "node:zlib";
import { InputError, toOneLine } from "../errors.ts";
import { bytesOf, decodeNumbers, type NumberType } from "./numbers.ts";
import type { TableValues } from "./table.ts";

/** The contents of one IDX file of unsigned bytes. */
export interface Idx {
  /** Dimensions, outermost first: `[60000, 28, 28]` for MNIST's training images. */
  readonly shape: readonly number[];
  /** Elements, row-major: a view of the decompressed file after its header. */
  readonly data: Uint8Array<ArrayBuffer>;
}

const UNSIGNED_BYTE = 0x08;
/** Element types by their code; {@link readIdx} takes only unsigned bytes. */
const NUMBER_TYPES_BY_CODE: Readonly<Record<number, NumberType>> = {
  0x08: "u1",
  0x09: "i1",
  0x0b: "i2",
  0x0c: "i4",
  0x0d: "f4",
  0x0e: "f8",
};
const TYPE_NAMES: Readonly<Partial<Record<NumberType, string>>> = {
  i1: "signed byte",
  i2: "16-bit integer",
  i4: "32-bit integer",
  f4: "32-bit float",
  f8: "64-bit float",
};
/** Limit on the uncompressed size in bytes (MNIST has 47 MB). */
const MAX_FILE_BYTES = 2 ** 31;
/** Limit on the decompressed size of a gzip file in bytes; decompression needs a multiple of it. */
export const MAX_DECOMPRESSED_BYTES: number = 2 ** 27;
/** Limit on the decompressed size of a gzip file that is not IDX, in bytes. */
const MAX_GZIP_BYTES = 2 ** 29;
/** Limit on the decompressed size in bytes until the header is known, against decompression bombs. */
const MAX_HEADERLESS_BYTES = 2 ** 26;

function fail(name: string, problem: string): never {
  throw new InputError(`Cannot read "${name}": ${problem}`);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Formats the dimensions, truncated if they are many. */
function times(shape: readonly number[]): string {
  return toOneLine(shape.join("×"), 80);
}

/** Header of an IDX file. */
export interface IdxHeader {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  /** Type of the elements, big-endian. */
  readonly type: NumberType;
  /** Byte offset of the elements. */
  readonly offset: number;
  /** Size of the file in bytes. */
  readonly size: number;
}

/** Checks the header. */
function readHeader(bytes: Uint8Array, name: string): IdxHeader {
  if (bytes.length === 0) fail(name, "expected an IDX file but it is empty; fetch the file again");
  if (bytes.length < 4) {
    fail(
      name,
      `expected an IDX header of at least 4 bytes but the file ends at byte ${bytes.length}; fetch it again`,
    );
  }
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    const found = hex(bytes.subarray(0, 4));
    fail(
      name,
      `expected an IDX file, which starts with 00 00, but found ${found} at byte 0; give an IDX file or its gzip`,
    );
  }
  const type = NUMBER_TYPES_BY_CODE[bytes[2]];
  if (type === undefined) {
    fail(
      name,
      `expected element type unsigned byte (0x08) or another number but found unknown (0x${
        hex(bytes.subarray(2, 3))
      }) at byte 2; convert the file to unsigned bytes`,
    );
  }
  const offset = 4 + 4 * bytes[3];
  if (bytes.length < offset) {
    fail(
      name,
      `expected a header of ${offset} bytes for ${
        bytes[3]
      } dimensions but the file ends at byte ${bytes.length}; fetch it again`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: bytes[3] }, (_, i) => view.getUint32(4 + 4 * i));
  // float64 arithmetic: 255 dimensions can give Infinity, but never wrap around
  const size = offset + bytesOf(type) * shape.reduce((product, length) => product * length, 1);
  if (!(size <= MAX_FILE_BYTES)) {
    fail(
      name,
      `expected at most ${MAX_FILE_BYTES} bytes but the dimensions ${
        times(shape)
      } at byte 4 need more; the file is damaged, fetch it again`,
    );
  }
  return { shape, type, offset, size };
}

/**
 * Decompresses at most `size` bytes, which is the size in the IDX header, or a fixed limit without one.
 * `partial` accepts truncated input.
 */
function inflate(
  bytes: Uint8Array,
  name: string,
  size: number | undefined,
  partial: boolean,
  limit: number = size ?? MAX_HEADERLESS_BYTES,
): Uint8Array<ArrayBuffer> {
  try {
    const out = gunzipSync(bytes, {
      maxOutputLength: limit,
      chunkSize: Math.max(2 ** 18, Math.min(size ?? 0, 2 ** 23)), // MNIST's files in few pieces
      finishFlush: partial ? constants.Z_SYNC_FLUSH : constants.Z_FINISH,
    });
    // The types include SharedArrayBuffer, which zlib never creates.
    return new Uint8Array(out.buffer as ArrayBuffer, out.byteOffset, out.byteLength);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      const claim = size === undefined ? "" : ", as its IDX header claims,";
      fail(
        name,
        `expected at most ${limit} bytes after decompression${claim} but the gzip stream holds more; fetch it again`,
      );
    }
    if (code === "Z_BUF_ERROR") {
      const got = inflate(bytes, name, size, true, limit).length;
      const expected = size === undefined ? "" : ` of ${size}`;
      fail(
        name,
        `expected a whole gzip stream but it is truncated at byte ${bytes.length}, ` +
          `which gives ${got}${expected} decompressed bytes; fetch it again`,
      );
    }
    const reason = toOneLine(error instanceof Error ? error.message : String(error));
    fail(
      name,
      `expected a valid gzip stream of ${bytes.length} bytes but it is corrupt (${reason}); fetch it again`,
    );
  }
}

/** True if the bytes start with gzip's magic number, 1f 8b. */
function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Decompresses the beginning of a gzip file, at least up to the end of its IDX header if it is complete. */
function inflateHeader(bytes: Uint8Array, name: string): Uint8Array<ArrayBuffer> {
  for (let length = 512;; length *= 4) {
    const prefix = inflate(bytes.subarray(0, length), name, undefined, true);
    if (length >= bytes.length || (prefix.length >= 4 && prefix.length >= 4 + 4 * prefix[3])) return prefix;
  }
}

/**
 * Decompresses an IDX file. The result includes the header; the catalogue's checksums are computed over it.
 * Plain bytes are returned unchanged. A gzip stream is decompressed only up to the size in its IDX header,
 * which stops decompression bombs.
 *
 * @param bytes the file, gzip or plain
 * @param name the file's name for messages
 * @throws {InputError} if the file is empty, or the gzip stream is truncated, corrupt or longer than its
 *   header claims
 */
export function expandIdx(bytes: Uint8Array<ArrayBuffer>, name: string): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) fail(name, "expected an IDX file but it is empty (0 bytes); fetch the file again");
  if (!isGzip(bytes)) return bytes;
  const prefix = inflateHeader(bytes, name);
  const whole = prefix.length >= 4 && prefix.length >= 4 + 4 * prefix[3];
  // A stream that ends inside the header is either truncated, which inflate() reports, or contains a short
  // file, which readIdx() reports.
  const size = whole ? readHeader(prefix, name).size : undefined;
  if (size !== undefined && size > MAX_DECOMPRESSED_BYTES) {
    fail(
      name,
      `expected at most ${MAX_DECOMPRESSED_BYTES} bytes after decompression but its IDX header claims ${size}; ` +
        "decompress the file first",
    );
  }
  return inflate(bytes, name, size, false);
}

/**
 * Decompresses a gzip file of any contents: IDX as {@link expandIdx} does, others up to a fixed limit.
 *
 * @throws {InputError} if the gzip stream is truncated, corrupt or too long
 */
export function expandGzip(bytes: Uint8Array<ArrayBuffer>, name: string): Uint8Array<ArrayBuffer> {
  const prefix = inflateHeader(bytes, name);
  if (prefix[0] === 0 && prefix[1] === 0) return expandIdx(bytes, name);
  return inflate(bytes, name, undefined, false, MAX_GZIP_BYTES);
}

/**
 * Reads the header of an uncompressed IDX file and compares it with the file's size, so that a wrong header
 * is rejected before the elements are read.
 *
 * @param bytes the beginning of the file: at least 1,024 bytes, or the whole file
 * @param name the file's name for messages
 * @param dimensions required number of dimensions, of unsigned bytes; any array if undefined
 * @param fileBytes the size of the file in bytes
 * @returns the dimensions, and the byte offset of the elements
 * @throws {InputError} if the header is invalid, with the byte offset
 */
export function readIdxHeader(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  dimensions: number | undefined,
  fileBytes: number,
): Omit<IdxHeader, "size"> {
  const { shape, type, offset, size } = readHeader(bytes, name);
  if (dimensions !== undefined && type !== "u1") {
    fail(
      name,
      `expected element type unsigned byte (0x08) but found ${TYPE_NAMES[type]} (0x${
        hex(bytes.subarray(2, 3))
      }) at byte 2; convert the file to unsigned bytes`,
    );
  }
  if (dimensions !== undefined && shape.length !== dimensions) {
    fail(
      name,
      `expected ${dimensions} dimension(s) but found ${shape.length} (${
        times(shape)
      }) at byte 3; are images and labels swapped?`,
    );
  }
  if (fileBytes < size) {
    fail(
      name,
      `expected ${size} bytes for ${
        times(shape)
      } but the file is truncated at byte ${fileBytes}; fetch it again`,
    );
  }
  if (fileBytes > size) {
    fail(
      name,
      `expected ${size} bytes for ${times(shape)} but found ${
        fileBytes - size
      } more at byte ${size}; fetch it again`,
    );
  }
  return { shape, type, offset };
}

/**
 * Reads an IDX file of unsigned bytes.
 *
 * @param bytes the file, gzip or plain
 * @param name the file's name for messages
 * @param dimensions required number of dimensions: 3 for images, 1 for labels
 * @throws {InputError} if the file is not exactly such a file, with the byte offset
 */
export function readIdx(bytes: Uint8Array<ArrayBuffer>, name: string, dimensions: number): Idx {
  const file = expandIdx(bytes, name);
  const { shape, offset } = readIdxHeader(file, name, dimensions, file.length);
  return { shape, data: file.subarray(offset) };
}

/**
 * Reads an IDX file of any element type and number of dimensions.
 *
 * @param bytes the decompressed file
 * @param name the file's name for messages
 * @throws {InputError} if the file is damaged, with the byte offset
 */
export function readAnyIdx(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): { readonly shape: readonly number[]; readonly data: TableValues } {
  const { shape, type, offset } = readIdxHeader(bytes, name, undefined, bytes.length);
  return { shape, data: decodeNumbers(bytes.subarray(offset), type, false) };
}

/**
 * Encodes an uncompressed IDX file of unsigned bytes.
 *
 * @param shape the dimensions, outermost first, each below 2³²
 * @param data the elements, row-major
 * @throws {RangeError} if the shape does not match the data
 */
export function writeIdx(shape: readonly number[], data: Uint8Array): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((product, length) => product * length, 1);
  const valid = shape.length <= 255 && shape.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32);
  if (!valid || count !== data.length) {
    throw new RangeError(
      `Cannot write IDX: expected ${data.length} elements but shape [${shape.join(", ")}] holds ${count}`,
    );
  }
  const offset = 4 + 4 * shape.length;
  const file = new Uint8Array(offset + data.length);
  file.set([0, 0, UNSIGNED_BYTE, shape.length]);
  const view = new DataView(file.buffer);
  shape.forEach((length, i) => view.setUint32(4 + 4 * i, length));
  file.set(data, offset);
  return file;
}
