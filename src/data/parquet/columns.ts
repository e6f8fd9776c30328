/**
 * Columns of a Parquet file: their types, and their values as cells of CSV.
 * @module
 */
import { integerOf, structOf, textOf, type ThriftStruct } from "./thrift.ts";
import { TYPES, type Value, type ValueType } from "./values.ts";

/** A column of numbers or words. */
export interface Column {
  readonly name: string;
  /** Type of its stored values. */
  readonly type: ValueType;
  /** Bytes of a value of fixed length. */
  readonly length: number;
  /** True if values may be missing. */
  readonly isOptional: boolean;
  /** Makes a cell of a value. */
  readonly cell: (value: Value) => string;
}

/** Numbers of converted types, the older of two ways of saying what values mean. */
const DECIMAL = 5, DATE = 6, MILLISECONDS = 9, MICROSECONDS = 10, UNSIGNED = [11, 12, 13, 14];
/** Most bytes of a decimal number. */
const MAX_DECIMAL_BYTES = 32;
const DAY_MILLISECONDS = 86_400_000;
/** 1970-01-01 as a Julian day. */
const JULIAN_1970 = 2_440_588;

/** A word as a cell of CSV. */
export function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

function dateCell(milliseconds: number): string {
  return quoted(new Date(Math.floor(milliseconds)).toISOString());
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A signed integer, the highest byte first. */
function bigIntegerOf(bytes: Uint8Array): bigint {
  if (bytes.length > MAX_DECIMAL_BYTES) throw new Error(`a decimal number of ${bytes.length} bytes`);
  return bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toHex()}`));
}

/** How values of a column become cells; undefined if they are bytes without a meaning. */
function cellOf(struct: ThriftStruct, type: ValueType, length: number): Column["cell"] | undefined {
  const converted = struct.get(6), logical = structOf(struct, 10);
  const decimal = logical && structOf(logical, 5), time = logical && structOf(logical, 8);
  const integer = logical && structOf(logical, 10);
  const unit = time && structOf(time, 2);
  if (converted === DECIMAL || decimal) {
    const scale = decimal
      ? integerOf(decimal, 1, "scale", 0, 308)
      : struct.has(7)
      ? integerOf(struct, 7, "scale", 0, 308)
      : 0;
    return (value) => `${Number(value instanceof Uint8Array ? bigIntegerOf(value) : value) / 10 ** scale}`;
  }
  switch (type) {
    case "BOOLEAN":
      return (value) => `${value === 1}`;
    case "INT96":
      return (value) => {
        const view = viewOf(value as Uint8Array), days = view.getInt32(8, true) - JULIAN_1970;
        return dateCell(days * DAY_MILLISECONDS + Number(view.getBigInt64(0, true)) / 1e6);
      };
    case "INT32":
      if (converted === DATE) return (value) => dateCell(Number(value) * DAY_MILLISECONDS);
      if (UNSIGNED.includes(Number(converted)) || integer?.get(2) === false) {
        return (value) => `${Number(value) >>> 0}`;
      }
      return (value) => `${value}`;
    case "INT64": {
      const perMillisecond = unit?.has(3) ? 1e6 : unit?.has(2) || converted === MICROSECONDS ? 1e3 : 1;
      if (time || converted === MILLISECONDS || converted === MICROSECONDS) {
        return (value) => dateCell(Number(value) / perMillisecond);
      }
      if (UNSIGNED.includes(Number(converted)) || integer?.get(2) === false) {
        return (value) => `${BigInt.asUintN(64, BigInt(value as bigint))}`;
      }
      return (value) => `${value}`;
    }
    case "BYTE_ARRAY": {
      const decoder = new TextDecoder();
      return (value) => quoted(decoder.decode(value as Uint8Array));
    }
    case "FIXED":
      if (logical?.has(15) && length === 2) {
        return (value) => `${viewOf(value as Uint8Array).getFloat16(0, true)}`;
      }
      if (logical?.has(14)) return (value) => quoted((value as Uint8Array).toHex());
      return undefined;
    default:
      return (value) => `${value}`;
  }
}

/**
 * Reads what the file says of a column.
 *
 * @param refuse is called with what a column has, if it has neither numbers nor words
 */
export function readColumn(struct: ThriftStruct, refuse: (name: string, what: string) => never): Column {
  const name = textOf(struct, 4) ?? "";
  const repetition = struct.get(3);
  if (struct.get(5) || repetition === 2) refuse(name, "lists or structures");
  const type = TYPES[integerOf(struct, 1, "type", 0, TYPES.length - 1)];
  const length = type === "FIXED" ? integerOf(struct, 2, "length", 1, 2 ** 20) : 0;
  const cell = cellOf(struct, type, length) ?? refuse(name, "bytes");
  return { name, type, length, isOptional: repetition === 1, cell };
}
