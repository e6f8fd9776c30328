/**
 * How far codes spread.
 * @module
 */
import type { TableRow } from "../report/results_table.ts";

/** Coordinates that are worth a row each. */
const MOST = 8;

/**
 * A row for each of the first coordinates of the codes, from its least to its greatest value.
 *
 * @param codes [count, codeSize]
 * @param codeSize numbers in a code
 */
export function codeRanges(codes: Float32Array, codeSize: number): TableRow[] {
  return Array.from({ length: Math.min(MOST, codeSize) }, (_, at) => {
    let least = Infinity, greatest = -Infinity;
    for (let k = at; k < codes.length; k += codeSize) {
      least = Math.min(least, codes[k]);
      greatest = Math.max(greatest, codes[k]);
    }
    return {
      label: `range of code_${at}`,
      value: greatest - least,
      digits: 3,
      unit: `from ${least.toFixed(3)} to ${greatest.toFixed(3)}`,
    };
  });
}
