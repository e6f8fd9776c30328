/**
 * Codes as a CSV file, for other tools.
 * @module
 */

/** Returns the shortest decimal string that parses to the same float32. */
function shortestText(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return `${rounded}`;
  }
  return `${Number(value.toPrecision(9))}`; // nine digits identify every float32; NaN stays NaN
}

/**
 * Formats codes with their labels: the header `index,label,code_0,code_1,…`, then one line per image. Numbers
 * parse to the exact float32 values.
 *
 * @param codes [count, dimensions], row-major
 * @param labels class of each image; if undefined, the column is empty
 * @param dimensions number of units of a code; at least 1
 * @throws RangeError if the lengths of the arrays do not match
 */
export function codesCsv(codes: Float32Array, labels: Uint8Array | undefined, dimensions: number): string {
  return rowsCsv(codes, labels, Array.from({ length: dimensions }, (_, d) => `code_${d}`));
}

/**
 * Formats rows with their labels, as {@link codesCsv}, under columns of other names.
 *
 * @param columns names of the columns; at least one
 * @throws RangeError if the lengths of the arrays do not match
 */
export function rowsCsv(
  values: Float32Array,
  labels: Uint8Array | undefined,
  columns: readonly string[],
): string {
  const width = columns.length, count = values.length / width;
  if (!Number.isInteger(count) || (labels !== undefined && labels.length !== count)) {
    throw new RangeError(
      `Cannot list codes: expected ${width} numbers for each of ${
        labels?.length ?? "some"
      } images but received ${values.length}`,
    );
  }
  const names = columns.map((name) => /[",\n\r]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  const lines = [["index", "label", ...names].join(",")];
  for (let n = 0; n < count; n++) {
    const row = values.subarray(n * width, (n + 1) * width);
    lines.push(`${n},${labels?.[n] ?? ""},${Array.from(row, shortestText).join(",")}`);
  }
  return lines.join("\n") + "\n";
}
