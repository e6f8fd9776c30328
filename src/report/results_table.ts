/**
 * The table with which a command ends.
 * @module
 */

/** One row of a table. */
export interface TableRow {
  /** What was measured. */
  readonly label: string;
  /** The result: a number, or a text that is shown as it is. */
  readonly value: number | string;
  /** Digits after the point, for a number; 4 if not given. */
  readonly digits?: number;
  /** The unit, or whatever should follow the value. */
  readonly unit?: string;
}

/**
 * An aligned table, one row a line: labels on the left, values on the right of their column, then units.
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
 * @param rows the rows, from top to bottom
 * @returns the lines, without a line end after the last
 */
export function resultsTable(rows: readonly TableRow[]): string {
  const cells = rows.map(({ label, value, digits = 4, unit = "" }) => {
    const text = typeof value === "number" ? value.toFixed(digits) : value;
    const point = typeof value === "number" && text.includes(".") ? text.indexOf(".") : text.length;
    return { label, text, point, unit };
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
