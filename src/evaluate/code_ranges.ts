/**
 * Ranges of the codes, for the results table.
 * @module
 */
import type { TableRow } from "../report/results_table.ts";

/** Largest number of rows. */
const MOST = 8;

/**
 * Returns a row with the minimum and maximum of each of the first coordinates of the codes.
 *
 * @param codes [count, codeSize]
 * @param codeSize number of coordinates of a code
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
