/**
 * Parser of `results.json`, which a run writes at its end.
 * @module
 */
import { InputError } from "../errors.ts";
import type { TableRow } from "../report/results_table.ts";
import type { Baseline } from "../report/run_data.ts";
import { readText } from "../files/read_file.ts";
import type { Results } from "./results.ts";
import { isRecord } from "../files/json.ts";

/** Largest number of decimals of a row. */
const MAX_DIGITS = 20;

/**
 * Reads a run's results. NaN is stored as null, because JSON has no NaN.
 *
 * @param path path of the file
 * @throws InputError if it cannot be read or does not contain results
 */
export function readResults(path: string): Results {
  const results = parse(readText(path));
  if (isRecord(results)) {
    const { rows, baselines, stepMilliseconds, status } = results;
    if (
      Array.isArray(rows) && rows.every(isRow) && Array.isArray(baselines) && baselines.every(isBaseline) &&
      (stepMilliseconds === undefined || typeof stepMilliseconds === "number") &&
      (status === "finished" || status === "interrupted")
    ) return { rows, baselines, status, ...(stepMilliseconds === undefined ? {} : { stepMilliseconds }) };
  }
  throw new InputError(`Cannot read "${path}": expected rows and baselines as JSON but found something else`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value) => value === null ? NaN : value);
  } catch {
    return undefined;
  }
}

function isRow(value: unknown): value is TableRow {
  if (!isRecord(value)) return false;
  const { label, value: figure, digits = 0, unit = "" } = value;
  return typeof label === "string" && (typeof figure === "number" || typeof figure === "string") &&
    Number.isInteger(digits) && Number(digits) >= 0 && Number(digits) <= MAX_DIGITS &&
    typeof unit === "string";
}

function isBaseline(value: unknown): value is Baseline {
  return isRecord(value) && typeof value.label === "string" && typeof value.value === "number" &&
    typeof value.metric === "string";
}
