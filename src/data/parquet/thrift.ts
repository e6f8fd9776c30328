/**
 * Thrift's compact protocol, in which Parquet writes its metadata. Every step reads at least a byte, so that nothing
 * costs more than the bytes that are there.
 * @module
 */

/** A value of a field. */
export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct;
/** Fields by their number. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** Most structures within one another; Parquet has seven. */
const MAX_DEPTH = 16;
/** Most bytes of an integer. */
const MAX_VARINT = 10;

/** Reads bytes from the front to the back; each method throws if there are too few. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;

  /** Begins at a place. */
  constructor(bytes: Uint8Array, at: number = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Place of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Number of bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next byte. */
  byte(): number {
    if (this.#at >= this.#bytes.length) throw new Error("1 byte where none is left");
    return this.#bytes[this.#at++];
  }

  /** The next bytes. */
  take(length: number): Uint8Array {
    if (!(length >= 0 && length <= this.left)) throw new Error(`${length} bytes where ${this.left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** An unsigned integer, seven bits a byte; exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let k = 0; k < MAX_VARINT; k++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * k);
      if (byte < 0x80) return value;
    }
    throw new Error(`an integer of more than ${MAX_VARINT} bytes`);
  }

  /** Four bytes, the lowest first. */
  uint32(): number {
    return this.take(4).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  /** A signed integer of 64 bits, seven bits a byte. */
  zigzag(): bigint {
    let value = 0n;
    for (let k = 0; k < MAX_VARINT; k++) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * k);
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new Error(`an integer of more than ${MAX_VARINT} bytes`);
  }

  /** A structure. */
  struct(depth: number = 0): ThriftStruct {
    if (depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} structures within one another`);
    const fields = new Map<number, ThriftValue>();
    for (let id = 0;;) {
      const head = this.byte();
      if (head === 0) return fields;
      id = head >> 4 === 0 ? Number(this.zigzag()) : id + (head >> 4);
      const type = head & 15;
      fields.set(id, type === 1 || type === 2 ? type === 1 : this.#value(type, depth));
    }
  }

  /** A value by its type, in a list or a field. */
  #value(type: number, depth: number): ThriftValue {
    if (type === 1 || type === 2) return this.byte() === 1;
    if (type === 3) return this.byte();
    if (type === 4 || type === 5 || type === 6) return Number(this.zigzag());
    if (type === 7) return this.take(8);
    if (type === 8) return this.take(this.varint());
    if (type === 9) {
      const head = this.byte();
      const length = head >> 4 === 15 ? this.varint() : head >> 4;
      if (length > this.left) throw new Error(`a list of ${length} where ${this.left} bytes are left`);
      const values: ThriftValue[] = []; // which grows with the bytes that are there, and not with what is claimed
      while (values.length < length) values.push(this.#value(head & 15, depth + 1));
      return values;
    }
    if (type === 12) return this.struct(depth + 1);
    throw new Error(`a value of type ${type}`);
  }
}

/** An integer field, within bounds. */
export function integerOf(
  struct: ThriftStruct,
  id: number,
  what: string,
  least: number,
  most: number,
): number {
  const value = struct.get(id);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw new Error(`${what} of ${typeof value === "number" ? value : "no number"}, not ${least} to ${most}`);
}

/** A structure field; undefined if there is none. */
export function structOf(struct: ThriftStruct, id: number): ThriftStruct | undefined {
  const value = struct.get(id);
  return value instanceof Map ? value : undefined;
}

/** A field with a list of structures. */
export function structsOf(struct: ThriftStruct, id: number, what: string): readonly ThriftStruct[] {
  const value = struct.get(id);
  if (Array.isArray(value) && value.every((one) => one instanceof Map)) return value;
  throw new Error(`no list of ${what}`);
}

/** A field with a text; undefined if there is none. */
export function textOf(struct: ThriftStruct, id: number): string | undefined {
  const value = struct.get(id);
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : undefined;
}
