/**
 * The part of the protocol buffers wire format that ONNX files need. A message is a sequence of fields, each
 * with a key: its number · 8 + its wire type (0 varint, 2 length and bytes, 5 four bytes).
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 * @module
 */

/** Encoded bytes in pieces, so that nested messages do not copy large weights. */
export type Encoded = readonly Uint8Array[];

const VARINT = 0, BYTES = 2, FLOAT = 5;

/** Encodes a nonnegative integer in groups of seven bits, the lowest first. */
function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot encode a varint: expected an integer of at least 0 but received ${value}`);
  }
  const groups: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) groups.push(value % 128 + 128);
  return Uint8Array.of(...groups, value);
}

const key = (field: number, type: number) => varint(8 * field + type);

/** Encodes a field of type `int64`, `uint64`, `int32` or an enumeration; the value must not be negative. */
export function integerField(field: number, value: number): Encoded {
  return [key(field, VARINT), varint(value)];
}

/** Encodes a field of type `float`. */
export function floatField(field: number, value: number): Encoded {
  return [key(field, FLOAT), new Uint8Array(Float32Array.of(value).buffer)];
}

/** Encodes a field of type `bytes`. */
export function bytesField(field: number, value: Uint8Array): Encoded {
  return [key(field, BYTES), varint(value.length), value];
}

/** Encodes a field of type `string`. */
export function textField(field: number, value: string): Encoded {
  return bytesField(field, new TextEncoder().encode(value));
}

/** Encodes a nested message from its own fields. */
export function messageField(field: number, fields: readonly Encoded[]): Encoded {
  const pieces = fields.flat();
  return [key(field, BYTES), varint(pieces.reduce((sum, { length }) => sum + length, 0)), ...pieces];
}

/** Joins the fields of a whole file. */
export function joinFields(fields: readonly Encoded[]): Uint8Array<ArrayBuffer> {
  const pieces = fields.flat();
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
