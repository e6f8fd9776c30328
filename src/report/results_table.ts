/**
 * The results table that commands print at the end.
 * @module
 */

import { visible } from "../errors.ts";

/** One row of a table. */
export interface TableRow {
  /** Name of the metric. */
  readonly label: string;
  /** A number, or a text that is printed verbatim. */
  readonly value: number | string;
  /** Number of decimals; 4 if absent. */
  readonly digits?: number;
  /** Unit or other text after the value. */
  readonly unit?: string;
}

/**
 * Formats an aligned table, one row per line: labels, values aligned at the decimal point, units.
 *
 * ```ts
 * import { resultsTable } from "./results_table.ts";
 *
 * console.log(resultsTable([
 *   { label: "test MSE per pixel", value: 0.02134 },
 *   { label: "5-NN accuracy", value: 84.25, digits: 2, unit: "%" },
 * ]));
 * // test MSE per pixel   0.0213
 * // 5-NN accuracy       84.25    %
 * ```
 *
 * @param rows rows from top to bottom
 * @returns the lines, without a trailing newline
 */
export function resultsTable(rows: readonly TableRow[]): string {
  const cells = rows.map(({ label, value, digits = 4, unit = "" }) => {
    const text = typeof value === "number" ? value.toFixed(digits) : visible(value);
    const point = typeof value === "number" && text.includes(".") ? text.indexOf(".") : text.length;
    return { label: visible(label), text, point, unit: visible(unit) };
  });
  const width = (measure: (cell: typeof cells[number]) => number) => Math.max(0, ...cells.map(measure));
  const labels = width((cell) => cell.label.length);
  const wholes = width((cell) => cell.point);
  const fractions = width((cell) => cell.text.length - cell.point);
  return cells.map(({ label, text, point, unit }) => {
    const value = (" ".repeat(wholes - point) + text).padEnd(wholes + fractions);
    return `${label.padEnd(labels)}  ${value}  ${unit}`.trimEnd();
  }).join("\n");
}
