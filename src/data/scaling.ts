/**
 * Scaling of data to the range that a network learns, by constants of the training rows.
 * @module
 */
import { InputError } from "../errors.ts";
import type { TableValues } from "./table.ts";

/** Ways of scaling. */
export const SCALES = ["none", "byte", "minmax", "standard"] as const;

/** Scaling of a data set: scaled = (value − offset) / divisor. */
export interface Scaling {
  /** Kind: `none`, `byte` (divided by 255), `minmax` (range to [0, 1]) or `standard` (mean 0, deviation 1). */
  readonly kind: typeof SCALES[number];
  /** Offsets: one for all columns, or one per column. */
  readonly offsets: readonly number[];
  /** Divisors, as many as offsets; 1 for constant columns. */
  readonly divisors: readonly number[];
  /** Values that replace missing ones, one per column; absent if missing values are an error. */
  readonly fill?: readonly number[] | undefined;
}

/** Data to scale. */
export interface Rows {
  /** Values, row-major. */
  readonly values: TableValues;
  /** Values per row. */
  readonly width: number;
}

/** Distance from [0, 1] that counts as rounding. */
const ROUNDING = 1e-6;
/** Largest whole number of an image set that is scaled by its own largest value instead of 255. */
const MAX_LEVEL = 16;
/** Smallest width of a table of whole numbers that is read as square images. */
const MIN_IMAGE_WIDTH = 64;

/** Range of values, and whether all are whole. */
interface Extent {
  readonly min: number;
  readonly max: number;
  readonly areWhole: boolean;
}

function extentOf(values: TableValues): Extent {
  let min = Infinity, max = -Infinity, areWhole = true;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    if (areWhole && !Number.isInteger(value)) areWhole = false;
  }
  return { min, max, areWhole };
}

/** True for a table of whole numbers from 0 whose width is a square of at least 64. */
export function isImageTable({ values, width }: Rows): boolean {
  if (width < MIN_IMAGE_WIDTH || !Number.isInteger(Math.sqrt(width))) return false;
  const { min, areWhole } = extentOf(values);
  return areWhole && min >= 0;
}

/** Means of each column without missing values; 0 for a column that has no value. */
export function columnMeans({ values, width }: Rows): number[] {
  const sums = new Float64Array(width), counts = new Float64Array(width);
  for (let k = 0, column = 0; k < values.length; k++, column = column + 1 === width ? 0 : column + 1) {
    if (Number.isNaN(values[k])) continue;
    sums[column] += values[k];
    counts[column]++;
  }
  return Array.from(sums, (sum, column) => counts[column] > 0 ? sum / counts[column] : 0);
}

/** Columns as groups of values that share constants: one group for images, one per column for tables. */
function constantsOf(
  { values, width }: Rows,
  perColumn: boolean,
  kind: "minmax" | "standard",
): Pick<Scaling, "offsets" | "divisors"> {
  const groups = perColumn ? width : 1;
  const low = new Float64Array(groups).fill(Infinity), high = new Float64Array(groups).fill(-Infinity);
  const each = (visit: (value: number, group: number) => void) => {
    for (let k = 0, column = 0; k < values.length; k++, column = column + 1 === width ? 0 : column + 1) {
      if (!Number.isNaN(values[k])) visit(values[k], perColumn ? column : 0);
    }
  };
  each((value, group) => {
    if (value < low[group]) low[group] = value;
    if (value > high[group]) high[group] = value;
  });
  const isConstant = (group: number) => !(high[group] > low[group]);
  const offset = (group: number) => Number.isFinite(low[group]) ? low[group] : 0;
  if (kind === "minmax") {
    return {
      offsets: Array.from(low, (_, group) => offset(group)),
      divisors: Array.from(low, (_, group) => isConstant(group) ? 1 : high[group] - low[group]),
    };
  }
  const counts = new Float64Array(groups),
    sums = new Float64Array(groups),
    squares = new Float64Array(groups);
  each((value, group) => {
    counts[group]++;
    sums[group] += value;
  });
  const means = Array.from(sums, (sum, group) => isConstant(group) ? offset(group) : sum / counts[group]);
  each((value, group) => squares[group] += (value - means[group]) ** 2);
  return {
    offsets: means,
    divisors: Array.from(squares, (sum, group) => isConstant(group) ? 1 : Math.sqrt(sum / counts[group])),
  };
}

/** Decision on scaling, and its reason. */
export interface ScalingDecision {
  /** The scaling. */
  readonly scaling: Scaling;
  /** Description in a line: the values found, and what is done with them. */
  readonly line: string;
}

/** Formats a bound of a range. */
function short(value: number): string {
  return `${Number(value.toPrecision(6))}`;
}

/**
 * Decides on the scaling of data by the training rows.
 *
 * @param train the training rows
 * @param isImages true for an image set, whose values share their constants; false for a table, scaled by column
 * @param choice kind of scaling; chosen by the values if undefined
 * @throws {InputError} if the choice does not suit the values
 */
export function decideScaling(
  train: Rows,
  { isImages, choice }: { readonly isImages: boolean; readonly choice?: Scaling["kind"] | undefined },
): ScalingDecision {
  const { min, max, areWhole } = extentOf(train.values);
  const found = min > max
    ? "no numbers"
    : min === max
    ? `all numbers are ${short(min)}`
    : `${areWhole ? "whole numbers" : "numbers"} from ${short(min)} to ${short(max)}`;
  const one = (kind: Scaling["kind"], divisor: number, done: string): ScalingDecision => ({
    scaling: { kind, offsets: [0], divisors: [divisor] },
    line: `${found}: ${done}`,
  });
  const isUnit = min >= -ROUNDING && max <= 1 + ROUNDING;
  const ranged = (kind: "minmax" | "standard"): ScalingDecision => {
    const constants = constantsOf(train, !isImages, kind);
    const whose = isImages ? "all scaled" : "each column scaled";
    const done = kind === "minmax"
      ? `${whose} to [0, 1] by the range of the training rows`
      : `${whose} to mean 0 and deviation 1 by the training rows`;
    return { scaling: { kind, ...constants }, line: `${found}: ${done}` };
  };
  if (choice === "none") return one("none", 1, "learned as they are");
  if (choice === "minmax" || choice === "standard") return ranged(choice);
  if (choice === "byte") {
    if (min < 0 || max > 255) {
      throw new InputError(
        `Cannot divide by 255: expected numbers from 0 to 255 but found ${found}; choose another scale`,
        { settings: ["scale"] },
      );
    }
    return one("byte", 255, "divided by 255");
  }
  if (isUnit) return one("none", 1, "learned as they are");
  if (isImages && areWhole && min >= 0 && max <= MAX_LEVEL) {
    return one("minmax", max, `divided by ${max}, the largest`);
  }
  if (isImages && areWhole && min >= 0 && max <= 255) return one("byte", 255, "divided by 255");
  return ranged("minmax");
}

/**
 * Applies a scaling in place. Values within 1e-6 of [0, 1] are clamped to it; others outside stay outside.
 *
 * @returns bytes if the values are bytes and the scaling divides by 255, else 32-bit floats in the same memory, or in
 *   new memory for bytes
 * @throws {InputError} if the number of constants does not match the columns
 */
export function applyScaling(
  { values, width }: Rows,
  scaling: Scaling,
): Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
  const { kind, offsets, divisors, fill } = scaling;
  for (const { length } of [offsets, divisors, ...(fill ? [fill] : [])]) {
    if (length !== width && (length !== 1 || fill?.length === length)) {
      throw new InputError(
        `Cannot scale rows of ${width} numbers: expected rows of ${length}, as in training`,
      );
    }
  }
  if (kind === "byte") {
    if (values instanceof Uint8Array) return values;
    if (values.every((value) => value >= 0 && value <= 255 && Number.isInteger(value))) {
      return Uint8Array.from(values);
    }
  }
  // element k is written at byte 4k after all elements up to k were read, at byte 4k or 8k
  const scaled = values instanceof Uint8Array
    ? new Float32Array(values.length)
    : new Float32Array(values.buffer, values.byteOffset, values.length);
  const perColumn = offsets.length > 1;
  for (let k = 0, column = 0; k < values.length; k++, column = column + 1 === width ? 0 : column + 1) {
    const group = perColumn ? column : 0;
    const value = Number.isNaN(values[k]) && fill ? fill[column] : values[k];
    const result = (value - offsets[group]) / divisors[group];
    const isRounding = kind !== "standard" &&
      (result < 0 && result >= -ROUNDING || result > 1 && result <= 1 + ROUNDING);
    scaled[k] = !isRounding ? result : result < 0 ? 0 : 1;
  }
  return scaled;
}

/** Number of rows, of [rows, width], with a value outside [0, 1]. */
export function countOutside(values: Uint8Array | Float32Array, width: number): number {
  if (values instanceof Uint8Array) return 0;
  let count = 0;
  for (let first = 0; first < values.length; first += width) {
    for (let k = first; k < first + width; k++) {
      if (!(values[k] >= 0 && values[k] <= 1)) {
        count++;
        break;
      }
    }
  }
  return count;
}

/** Clamps values to [0, 1], as a copy; NaN stays NaN. */
export function clampToUnit(values: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (value) => Math.min(1, Math.max(0, value)));
}

/** Converts scaled values back to the data's own units. */
export function unscale(
  values: Float32Array | Float64Array,
  width: number,
  { offsets, divisors }: Scaling,
): Float64Array<ArrayBuffer> {
  const perColumn = offsets.length > 1, rows = new Float64Array(values.length);
  for (let k = 0, column = 0; k < values.length; k++, column = column + 1 === width ? 0 : column + 1) {
    const group = perColumn ? column : 0;
    rows[k] = values[k] * divisors[group] + offsets[group];
  }
  return rows;
}

/** Reads a scaling from a stored configuration; undefined if there is none, or it is damaged. */
export function parseScaling(stored: unknown): Scaling | undefined {
  const { kind, offsets, divisors, fill } = (stored ?? {}) as Partial<Record<keyof Scaling, unknown>>;
  const areNumbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.every(Number.isFinite);
  const known = SCALES.find((name) => name === kind);
  if (!known || !areNumbers(offsets) || !areNumbers(divisors) || offsets.length !== divisors.length) {
    return undefined;
  }
  if (divisors.includes(0) || fill !== undefined && !areNumbers(fill)) return undefined;
  return { kind: known, offsets, divisors, ...(fill === undefined ? {} : { fill }) };
}
