/**
 * Errors in the units of the user's own data, for the results table.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { quote } from "../errors.ts";
import type { TableRow } from "../report/results_table.ts";
import type { Evaluation } from "./evaluate.ts";

/** Columns that have a row, by their error as scaled. */
const RANKS = ["largest", "second", "third"];
/** Significant digits of an error. */
const DIGITS = 4;

/**
 * Returns rows for the results table where the errors of the others are those of scaled values: the root mean squared
 * error if all columns share a unit, else that of the columns with the largest errors as scaled.
 */
export function ownUnitRows(
  { error, columnErrors }: Pick<Evaluation, "error" | "columnErrors">,
  { scaling, columns }: Pick<Dataset, "scaling" | "columns">,
): TableRow[] {
  if (!scaling || scaling.kind === "none") return [];
  const { divisors } = scaling, ofTest = "root mean squared error in", count = columnErrors.length;
  if (divisors.length === 1) {
    const unit = `${ofTest} the data's own units, test images`;
    return [inUnits("this model, unscaled", Math.sqrt(error) * Math.abs(divisors[0]), unit)];
  }
  const worst = Array.from(columnErrors.keys()).sort((a, b) => columnErrors[b] - columnErrors[a]);
  return worst.slice(0, RANKS.length).map((k, rank) => {
    const scaled = Math.sqrt(columnErrors[k]), name = quote(columns?.[k] ?? `column_${k}`, 30);
    const unit = `${ofTest} its own units; as scaled ${scaled.toPrecision(3)}, ${
      RANKS[rank]
    } of ${count} columns`;
    return inUnits(`${name}, unscaled`, scaled * Math.abs(divisors[k]), unit);
  });
}

/** A row whose value has {@link DIGITS} significant digits. */
function inUnits(label: string, value: number, unit: string): TableRow {
  const whole = value > 0 && value < Infinity ? Math.floor(Math.log10(value)) + 1 : 1;
  return { label, value, digits: Math.min(20, Math.max(0, DIGITS - whole)), unit };
}
