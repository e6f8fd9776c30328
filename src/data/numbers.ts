/**
 * Arrays of binary numbers of any type and byte order, as NPY, IDX and safetensors files hold them.
 * @module
 */
import type { TableValues } from "./table.ts";

/** Types of numbers: kind and size in bytes, as in NumPy: `u` unsigned, `i` signed, `f` floating point, `b` boolean. */
export const NUMBER_TYPES = ["b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"] as const;

/** Type of a number. */
export type NumberType = typeof NUMBER_TYPES[number];

/** Size of a number in bytes. */
export function bytesOf(type: NumberType): number {
  return Number(type[1]);
}

/**
 * Decodes numbers. Bytes and booleans stay bytes, 16- and 32-bit floats become 32-bit floats, all others 64-bit floats,
 * which are exact for integers up to 2⁵³.
 *
 * @param bytes whole numbers of that type
 * @returns a view of the bytes if their type and alignment allow
 */
export function decodeNumbers(
  bytes: Uint8Array<ArrayBuffer>,
  type: NumberType,
  isLittleEndian: boolean,
): TableValues {
  if (type === "u1") return bytes;
  if (type === "b1") return bytes.map((byte) => byte === 0 ? 0 : 1);
  const size = bytesOf(type), count = bytes.length / size;
  if (isLittleEndian && (type === "f4" || type === "f8")) {
    const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
    return type === "f4"
      ? new Float32Array(buffer, byteOffset, count)
      : new Float64Array(buffer, byteOffset, count);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === "f4" || type === "f2") {
    const floats = new Float32Array(count);
    for (let k = 0; k < count; k++) {
      floats[k] = type === "f4" ? view.getFloat32(4 * k, false) : view.getFloat16(2 * k, isLittleEndian);
    }
    return floats;
  }
  const read: Record<Exclude<NumberType, "b1" | "u1" | "f2" | "f4">, (at: number) => number> = {
    u2: (at) => view.getUint16(at, isLittleEndian),
    u4: (at) => view.getUint32(at, isLittleEndian),
    u8: (at) => Number(view.getBigUint64(at, isLittleEndian)),
    i1: (at) => view.getInt8(at),
    i2: (at) => view.getInt16(at, isLittleEndian),
    i4: (at) => view.getInt32(at, isLittleEndian),
    i8: (at) => Number(view.getBigInt64(at, isLittleEndian)),
    f8: (at) => view.getFloat64(at, isLittleEndian),
  };
  const values = new Float64Array(count), one = read[type];
  for (let k = 0; k < count; k++) values[k] = one(k * size);
  return values;
}

/** Reorders an array in Fortran order (the first index varies fastest) to C order (the last one does). */
export function fromFortranOrder<T extends TableValues>(values: T, shape: readonly number[]): T {
  const ordered = values.slice() as T; // the same type and length
  const strides = shape.map((_, axis) =>
    shape.slice(0, axis).reduce((product, length) => product * length, 1)
  );
  const index = shape.map(() => 0);
  for (let k = 0, from = 0; k < values.length; k++) {
    ordered[k] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return ordered;
}
