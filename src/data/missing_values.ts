/**
 * Missing values of a table.
 * @module
 */
import { cannotUse } from "./cannot_use.ts";
import { listed, type Table } from "./table.ts";

/** Treatment of missing values. */
export const MISSING_CHOICES = ["error", "drop", "mean"] as const;

/** Options of {@link treatMissing}. */
export interface MissingOptions {
  /**
   * Missing values: an error, rows dropped, or kept as NaN to be replaced by the mean of the training rows; an error
   * if absent.
   */
  readonly missing?: typeof MISSING_CHOICES[number] | undefined;
  /** True if there are no means to replace missing values with; an error then does not advise it. */
  readonly hasNoMeans?: boolean | undefined;
}

/**
 * Refuses or drops rows with missing values, or leaves them to be filled with means.
 *
 * @param path path of the table's file, for errors
 * @throws {InputError} if there are missing values that are not to be treated, or infinite ones
 */
export function treatMissing(
  path: string,
  table: Table,
  { missing, hasNoMeans = false }: MissingOptions,
): Table {
  const { values, count, columns } = table;
  if (values instanceof Uint8Array) return table;
  const width = values.length / count;
  const rows = new Set<number>(), places = new Map<number, number>(); // columns, with the number of missing values
  for (let k = 0; k < values.length; k++) {
    if (Number.isFinite(values[k])) continue;
    const row = Math.floor(k / width), column = k % width;
    if (!Number.isNaN(values[k])) {
      cannotUse(
        path,
        `expected finite numbers but found ${values[k]} in row ${row + 1}, column ${column + 1}; replace it`,
      );
    }
    rows.add(row);
    places.set(column, (places.get(column) ?? 0) + 1);
  }
  if (rows.size === 0) return table;
  const namesOf = (list: Iterable<number>) =>
    [...list].sort((a, b) => a - b).map((column) => columns?.[column] ?? `${column + 1}`);
  const names = namesOf(places.keys());
  const where = places.size === 1 ? `column ${listed(names)}` : `${places.size} columns: ${listed(names)}`;
  const found = `missing values in ${rows.size} of ${count} rows, in ${where}`;
  if (missing === "mean") {
    return {
      ...table,
      notes: [...table.notes, `${found}: replaced by the mean of the column's training rows`],
    };
  }
  if (missing !== "drop" || rows.size === count) {
    const empty = namesOf([...places.keys()].filter((column) => places.get(column) === count));
    const remedies = empty.length > 0
      ? [`leave out ${listed(empty)}, which ${empty.length > 1 ? "have" : "has"} no value`]
      : [
        ...(rows.size < count ? ["drop these rows (drop)"] : []),
        ...(hasNoMeans ? [] : ["use the mean of their columns (mean)"]),
      ];
    cannotUse(
      path,
      `found ${found}; ${remedies.join(", or ") || "fill them in"}`,
      [
        empty.length === 0 ? "missing" : columns ? "ignore" : [],
      ].flat(),
    );
  }
  const kept = Uint32Array.from({ length: count }, (_, row) => row).filter((row) => !rows.has(row));
  kept.forEach((row, to) => values.copyWithin(to * width, row * width, (row + 1) * width));
  return {
    ...table,
    count: kept.length,
    values: values.subarray(0, kept.length * width),
    rows: kept,
    labels: table.labels && Uint8Array.from(kept, (row) => table.labels![row]),
    notes: [...table.notes, `${found}: these rows are dropped`],
  };
}
