/**
 * Codes as a CSV file, for other tools.
 * @module
 */

/** Powers of ten that float64 has exactly. */
const POWERS = Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));
/** Distance from a tie, in units of the last digit, in which the decimal digits decide. */
const NEAR_TIE = 1e-6;

/**
 * Returns the shortest decimal string, of 6 to 9 digits, that parses to the same float32. What {@link digitsOf} finds by
 * the digits is found by arithmetic in a tenth of the time, for sizes where that is exact.
 */
function shortestText(value: number): string {
  const size = Math.abs(value);
  if (!(size >= 1e-12 && size < 1e15)) return digitsOf(value);
  let exponent = Math.floor(Math.log10(size));
  while (exponent >= 0 ? size < POWERS[exponent] : size * POWERS[-exponent] < 1) exponent--;
  for (let digits = 6; digits <= 9; digits++) {
    const shift = digits - 1 - exponent;
    const units = shift >= 0 ? size * POWERS[shift] : size / POWERS[-shift];
    const whole = Math.round(units);
    if (Math.abs(units - Math.floor(units) - 0.5) < NEAR_TIE) break;
    const rounded = shift >= 0 ? whole / POWERS[shift] : whole * POWERS[-shift];
    if (Math.fround(rounded) === size) return value < 0 ? `-${rounded}` : `${rounded}`;
  }
  return digitsOf(value);
}

/** The same, by rounding the decimal digits. */
function digitsOf(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return `${rounded}`;
  }
  return `${Number(value.toPrecision(9))}`; // nine digits identify every float32; NaN stays NaN
}

/** Numbers and classes of rows. */
export interface RowNames {
  /** Number of each row in the user's own file; if absent, rows are counted from 0. */
  readonly rows?: Uint32Array | undefined;
  /** Class of each row; if absent, the column is empty. */
  readonly labels?: Uint8Array | undefined;
}

/**
 * Formats codes with their labels: the header `index,label,code_0,code_1,…`, then one line per image. Numbers
 * parse to the exact float32 values.
 *
 * @param codes [count, dimensions], row-major
 * @param labels class of each image; if undefined, the column is empty
 * @param dimensions number of units of a code; at least 1
 * @param rows `index` of each image, its row in the user's own file; if undefined, images are counted from 0
 * @throws RangeError if the lengths of the arrays do not match
 */
export function codesCsv(
  codes: Float32Array,
  labels: Uint8Array | undefined,
  dimensions: number,
  rows?: Uint32Array,
): string {
  const count = codes.length / dimensions;
  if (!Number.isInteger(count) || [labels, rows].some((list) => list && list.length !== count)) {
    throw new RangeError(
      `Cannot list codes: expected ${dimensions} numbers for each of ${
        (labels ?? rows)?.length ?? "some"
      } images but received ${codes.length}`,
    );
  }
  const columns = Array.from({ length: dimensions }, (_, d) => `code_${d}`);
  return csvHeader(columns) + csvLines(codes, dimensions, { labels, rows });
}

/** The first line of a CSV file of rows: `index,label` and the names of the columns. */
export function csvHeader(columns: readonly string[]): string {
  const names = columns.map((name) => /[",\n\r]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  return ["index", "label", ...names].join(",") + "\n";
}

/**
 * Formats rows as lines of a CSV file: number, class and values.
 *
 * @param values [some rows, width]
 * @param names numbers and classes of all rows
 * @param first place of the first row among all
 */
export function csvLines(values: Float32Array, width: number, { rows, labels }: RowNames, first = 0): string {
  const lines: string[] = [], cells = Array<string>(width); // joined, as adding to a text takes several times as long
  for (let at = 0, n = first; at < values.length; at += width, n++) {
    for (let k = 0; k < width; k++) cells[k] = shortestText(values[at + k]);
    lines.push(`${rows?.[n] ?? n},${labels?.[n] ?? ""},${cells.join(",")}\n`);
  }
  return lines.join("");
}
