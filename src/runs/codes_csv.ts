/**
 * Codes as a CSV file, for plotting elsewhere.
 * @module
 */

/** The shortest decimal text that reads back as the same 32-bit float. */
function shortestText(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return `${rounded}`;
  }
  return `${Number(value.toPrecision(9))}`; // nine digits tell all 32-bit floats apart; NaN stays NaN
}

/**
 * Lists codes with their labels: the header `index,label,code_0,code_1,…`, then one line for each image. Numbers
 * read back exactly as 32-bit floats.
 *
 * @param codes codes, row-major: one after another
 * @param labels the class of each image, or undefined if there are none; the column is then empty
 * @param dimensions numbers in one code; at least 1
 * @throws RangeError if the arrays do not fit together
 */
export function codesCsv(codes: Float32Array, labels: Uint8Array | undefined, dimensions: number): string {
  const count = codes.length / dimensions;
  if (!Number.isInteger(count) || (labels !== undefined && labels.length !== count)) {
    throw new RangeError(
      `Cannot list codes: expected ${dimensions} numbers for each of ${
        labels?.length ?? "some"
      } images but received ${codes.length}`,
    );
  }
  const lines = [["index", "label", ...Array.from({ length: dimensions }, (_, d) => `code_${d}`)].join(",")];
  for (let n = 0; n < count; n++) {
    const code = codes.subarray(n * dimensions, (n + 1) * dimensions);
    lines.push(`${n},${labels?.[n] ?? ""},${Array.from(code, shortestText).join(",")}`);
  }
  return lines.join("\n") + "\n";
}
