/**
 * PyTorch's results for the same recipe, flags and data set, as ranges over seeds, from `reference_figures.json`.
 * @module
 */
import figures from "./reference_figures.json" with { type: "json" };
import type { TableRow } from "../report/results_table.ts";
import type { Recipe } from "./recipe.ts";

/** PyTorch's results under one set of settings. */
interface ReferenceFigures {
  readonly recipe: string;
  readonly dataset: string;
  /** Settings that differ from the recipe's usual ones. */
  readonly settings?: Settings;
  /** Figures by label of the results table's row. */
  readonly rows: Readonly<Partial<Record<string, string>>>;
}

/** Values of flags and of a recipe's architecture, by name. */
type Settings = Readonly<Partial<Record<string, unknown>>>;

/**
 * The file stores each recipe's usual settings too, as the script's defaults may have been edited since, and the SHA-256
 * of the data sets, as `Dataset.checksum`, as a folder may have other files.
 */
const { checksums, usual, measured }: {
  readonly checksums: Readonly<Partial<Record<string, string>>>;
  readonly usual: Readonly<Partial<Record<string, Settings>>>;
  readonly measured: readonly ReferenceFigures[];
} = figures;

/** Flags that the figures do not depend on. */
const INDIFFERENT: ReadonlySet<string> = new Set([
  "seed",
  "dataset",
  "dataDir",
  "testFraction",
  "kernels",
  "out",
  "resume",
  "checkpointEvery",
  "keep",
  "onDeviceLoss",
  "logEvery",
  "live",
  "port",
  "pictureEvery",
  "keepPictures",
  "quiet",
  "dryRun",
  "printPlan",
  "profile",
]);

/**
 * Adds PyTorch's figures to the rows of a results table where they are known for these settings and this data set.
 *
 * @param config values of the recipe's flags
 * @param checksum SHA-256 of the data set
 */
export function withReferenceFigures(
  rows: readonly TableRow[],
  { name, architecture }: Pick<Recipe, "name" | "architecture">,
  config: Readonly<Record<string, unknown>>,
  checksum: string,
): TableRow[] {
  const now: Settings = { ...architecture, ...config };
  const found = measured.find(({ recipe, dataset, settings }) => {
    const then: Settings = { ...usual[recipe], ...settings };
    return recipe === name && dataset === config.dataset && checksums[dataset] === checksum &&
      Object.keys({ ...now, ...then }).every((key) =>
        INDIFFERENT.has(key) || JSON.stringify(now[key]) === JSON.stringify(then[key])
      );
  });
  return rows.map((row) => {
    const figure = found?.rows[row.label];
    return figure === undefined ? row : { ...row, unit: `${row.unit}; PyTorch: ${figure}` };
  });
}
