/**
 * The safetensors format: named tensors in one file, readable by any framework.
 *
 * ```text
 * 8 bytes   length of the header, little-endian
 * header    JSON: { "__metadata__": { text: text }, name: { "dtype", "shape", "data_offsets" }, … }, padded
 *           with spaces so that the data begin at a multiple of 8
 * data      the tensors, row-major, little-endian, without gaps; offsets count from here
 * ```
 *
 * Only 32-bit floats (`F32`) and bytes (`U8`) are read, and 32-bit integers (`I32`) written besides. All of Deno's platforms are little-endian, so
 * typed arrays are copied without conversion.
 *
 * Source: https://github.com/huggingface/safetensors, section "Format".
 * @module
 */

import { InputError, quote } from "../errors.ts";
import { readBytes } from "./read_file.ts";
import { isRecord } from "./json.ts";
import { writeFileAtomic } from "./write_file.ts";

/** Maximum size of the header in bytes, the same as in the reference implementation. */
const MAX_HEADER_LENGTH = 100_000_000;
const METADATA_KEY = "__metadata__";

/** Array types, keyed by the format's dtype. */
const DTYPES = { F32: Float32Array, U8: Uint8Array } as const;

/** Values of a tensor. */
export type TensorData = Float32Array | Uint8Array;

/** A tensor with its name. */
export interface NamedTensor<T extends TensorData = Float32Array> {
  /** Name, such as `encoder.0.weight`. */
  readonly name: string;
  /** Shape, row-major: the last dimension varies fastest. */
  readonly shape: readonly number[];
  /** Values, row-major. */
  readonly data: T;
}

/** Contents of a safetensors file. */
export interface SafetensorsFile<T extends TensorData = Float32Array> {
  /** Tensors, in the order of their data in the file. */
  readonly tensors: readonly NamedTensor<T>[];
  /** Metadata: text by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of an element, by type. */
const WRITTEN = { F32: 4, I32: 4, U8: 1 } as const;

/** A tensor whose values follow the header. */
export interface AnnouncedTensor {
  /** Name, such as `codes`. */
  readonly name: string;
  /** Type of the elements. */
  readonly dtype: keyof typeof WRITTEN;
  /** Shape, row-major. */
  readonly shape: readonly number[];
}

/**
 * Encodes the beginning of a safetensors file; the tensors' values follow, in the same order without gaps. Its length
 * is a multiple of 8.
 *
 * @param tensors the tensors, with distinct names
 * @param metadata text by key; it is sorted
 * @throws TypeError if a name is used twice or reserved, or a size is not whole
 */
export function encodeHeader(
  tensors: readonly AnnouncedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    const texts = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`);
    entries.push(`"${METADATA_KEY}":{${texts.join(",")}}`);
  }
  const names = new Set([METADATA_KEY]);
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const action = `Cannot encode tensor "${name}"`;
    if (names.has(name)) throw new TypeError(`${action}: its name is taken`);
    if (!name.isWellFormed()) throw new TypeError(`${action}: its name is not valid Unicode`);
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw new TypeError(`${action}: expected whole sizes but received shape [${shape}]`);
    }
    names.add(name);
    const begin = end;
    end += WRITTEN[dtype] * elementCount(shape);
    entries.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`,
    );
  }
  const header = new TextEncoder().encode(`{${entries.join(",")}}`);
  const start = 8 + Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(start).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(header, 8);
  return bytes;
}

/**
 * Encodes tensors in the safetensors format. It is deterministic: tensors in the given order, metadata sorted
 * by key.
 *
 * @param tensors the tensors, with distinct names
 * @param metadata text by key
 * @throws TypeError if a name is used twice or reserved, or a shape does not match its data
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor<TensorData>[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const announced = tensors.map(({ name, shape, data }): AnnouncedTensor => ({
    ...{ name, shape },
    dtype: data instanceof Uint8Array ? "U8" : "F32",
  }));
  const header = encodeHeader(announced, metadata);
  for (const { name, shape, data } of tensors) {
    if (elementCount(shape) === data.length) continue;
    throw new TypeError(
      `Cannot encode tensor "${name}": expected ${
        elementCount(shape)
      } values for shape [${shape}] but received ${data.length}`,
    );
  }
  const bytes = new Uint8Array(tensors.reduce((sum, { data }) => sum + data.byteLength, header.length));
  bytes.set(header);
  let offset = header.length;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** First key that occurs twice in an object of a valid JSON text; undefined if there is none. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = []; // the keys so far of each enclosing object
  for (let at = 0; at < json.length; at++) {
    if (json[at] === "{") open.push(new Set());
    else if (json[at] === "}") open.pop();
    else if (json[at] === '"') {
      const begin = at;
      while (json[++at] !== '"') if (json[at] === "\\") at++;
      let next = at + 1;
      while (/\s/.test(json[next])) next++;
      if (json[next] !== ":") continue; // a value, not a key
      const key: string = JSON.parse(json.slice(begin, at + 1));
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function isSizeList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/**
 * Decodes and validates the safetensors format, with tensors of floats.
 *
 * @param bytes the whole file
 * @param source origin of the bytes, for messages
 * @throws InputError if the file is damaged or invalid, or contains other types than `F32`
 */
export function decodeSafetensors(bytes: Uint8Array, source: string = "safetensors data"): SafetensorsFile {
  const { tensors, metadata } = decodeMixedSafetensors(bytes, source);
  const isFloat = (tensor: NamedTensor<TensorData>): tensor is NamedTensor =>
    tensor.data instanceof Float32Array;
  return {
    metadata,
    tensors: tensors.map((tensor) => {
      if (!isFloat(tensor)) throw wrongDtype(source, `tensor ${quote(tensor.name)}`, "U8");
      return tensor;
    }),
  };
}

/** Creates the error for an unsupported dtype. */
function wrongDtype(source: string, label: string, found: unknown): InputError {
  const what = found === undefined ? "none" : quote(found);
  return new InputError(
    `Cannot read ${source}: expected dtype F32 for ${label} but found ${what}; ` +
      "convert the file to 32-bit floats first",
  );
}

/** Position of a tensor in a safetensors file. */
export interface TensorPlace {
  /** Name, such as `encoder.0.weight`. */
  readonly name: string;
  /** Type of the elements, such as `F32`. */
  readonly dtype: string;
  /** Shape, row-major. */
  readonly shape: readonly number[];
  /** First byte, from the beginning of the file. */
  readonly begin: number;
  /** Byte after the last. */
  readonly end: number;
}

/**
 * Decodes and validates the safetensors format, with tensors of floats and bytes.
 *
 * @param bytes the whole file
 * @param source origin of the bytes, for messages
 * @throws InputError if the file is damaged or invalid, or contains other types than `F32` and `U8`
 */
export function decodeMixedSafetensors(
  bytes: Uint8Array,
  source: string = "safetensors data",
): SafetensorsFile<TensorData> {
  const sizes = { F32: 4, U8: 1 };
  const { places, metadata } = findTensors(bytes, source, sizes);
  const tensors = places.map(({ name, dtype, shape, begin, end }) => ({
    name,
    shape,
    // a copy, as the header's length may leave the data unaligned
    data: new DTYPES[dtype as keyof typeof DTYPES](new Uint8Array(bytes.subarray(begin, end)).buffer),
  }));
  return { tensors, metadata };
}

/**
 * Validates a safetensors file and finds its tensors.
 *
 * @param bytes the whole file
 * @param source origin of the bytes, for messages
 * @param sizes bytes per element of the accepted types
 * @returns the tensors in the order of their data, and the metadata
 * @throws InputError if the file is damaged or invalid, or contains other types
 */
export function findTensors(
  bytes: Uint8Array,
  source: string,
  sizes: Readonly<Record<string, number>>,
): { readonly places: readonly TensorPlace[]; readonly metadata: Readonly<Record<string, string>> } {
  const refuse = (expected: string, found: string): InputError =>
    new InputError(
      `Cannot read ${source}: expected ${expected} but found ${found}; the file is damaged or of another kind`,
    );

  if (bytes.length < 8) throw refuse("at least 8 bytes", `${bytes.length}`);
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (headerLength > MAX_HEADER_LENGTH) {
    throw refuse(`a header of at most ${MAX_HEADER_LENGTH} bytes`, `a header length of ${headerLength}`);
  }
  const start = 8 + Number(headerLength);
  if (start > bytes.length) {
    throw refuse(`a header of ${headerLength} bytes`, `only ${bytes.length - 8} bytes after its length`);
  }
  let header = "";
  let entries: unknown;
  try {
    header = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start));
    entries = JSON.parse(header);
  } catch {
    throw refuse("a header that is JSON", "something else");
  }
  if (!isRecord(entries) || !header.startsWith("{")) {
    throw refuse(`a header that begins with "{"`, quote(header, 20));
  }
  const repeated = repeatedKey(header);
  if (repeated !== undefined) {
    throw refuse("each name once in the header", `${quote(repeated)} twice`);
  }

  const metadata: Record<string, string> = {};
  const places: TensorPlace[] = [];
  for (const [name, entry] of Object.entries(entries)) {
    if (name === METADATA_KEY) {
      if (!isRecord(entry)) throw refuse(`an object as ${METADATA_KEY}`, quote(entry));
      for (const [key, text] of Object.entries(entry)) {
        if (typeof text !== "string") {
          throw refuse(`a text as metadata ${quote(key)}`, quote(text));
        }
        Object.defineProperty(metadata, key, { value: text, enumerable: true }); // safe for "__proto__" too
      }
      continue;
    }
    const label = `tensor ${quote(name)}`;
    if (!isRecord(entry)) throw refuse(`an object for ${label}`, quote(entry));
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype !== "string" || !Object.hasOwn(sizes, dtype)) throw wrongDtype(source, label, dtype);
    if (!isSizeList(shape)) {
      throw refuse(`a list of sizes as the shape of ${label}`, quote(shape));
    }
    if (!isSizeList(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
      throw refuse(`two rising offsets for ${label}`, quote(offsets));
    }
    const [begin, end] = offsets;
    const expected = sizes[dtype] * elementCount(shape);
    if (expected !== end - begin) {
      throw refuse(`${expected} bytes for ${label} of shape ${quote(shape)}`, `${end - begin}`);
    }
    places.push({ name, dtype, shape, begin, end });
  }

  places.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let next = 0;
  for (const { name, begin, end } of places) {
    if (begin !== next) {
      const fault = begin < next ? "an overlap" : "a gap";
      throw refuse(
        `tensor ${quote(name)} to begin at offset ${next}`,
        `${fault}: it begins at ${begin}`,
      );
    }
    next = end;
  }
  if (bytes.length - start !== next) {
    throw refuse(`${next} bytes of data after the header`, `${bytes.length - start}`);
  }
  return {
    metadata,
    places: places.map(({ begin, end, ...place }) => ({ ...place, begin: start + begin, end: start + end })),
  };
}

/**
 * Writes tensors to a safetensors file atomically.
 *
 * @param path path of the file
 * @param tensors the tensors, with distinct names
 * @param metadata text by key
 * @throws InputError if the file cannot be written
 */
export function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor<TensorData>[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeFileAtomic(path, encodeSafetensors(tensors, metadata));
}

/**
 * Reads a safetensors file with tensors of floats.
 *
 * @param path path of the file
 * @throws InputError if the file cannot be read, is damaged, or contains other types than `F32`
 */
export function readSafetensors(path: string): SafetensorsFile {
  return decodeSafetensors(readBytes(path), `"${path}"`);
}

/**
 * Reads a safetensors file with tensors of floats and bytes.
 *
 * @param path path of the file
 * @throws InputError if the file cannot be read, is damaged, or contains other types than `F32` and `U8`
 */
export function readMixedSafetensors(path: string): SafetensorsFile<TensorData> {
  return decodeMixedSafetensors(readBytes(path), `"${path}"`);
}
