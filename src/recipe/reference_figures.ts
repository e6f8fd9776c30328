/**
 * What PyTorch reaches with the same recipe, flags and data set, from `reference_figures.json`: ranges over seeds.
 * @module
 */
import figures from "./reference_figures.json" with { type: "json" };
import type { TableRow } from "../report/results_table.ts";
import type { Recipe } from "./recipe.ts";

/** What was measured with PyTorch under one set of settings. */
interface ReferenceFigures {
  readonly recipe: string;
  readonly dataset: string;
  /** The settings that differ from the recipe's usual ones. */
  readonly settings?: Settings;
  /** By the label of the results table's row. */
  readonly rows: Readonly<Partial<Record<string, string>>>;
}

/** Values of flags, and of a recipe's architecture, by name. */
type Settings = Readonly<Partial<Record<string, unknown>>>;

/**
 * The usual settings, by recipe, stand in the file too: a script's own defaults may have been edited since it was
 * measured.
 */
const { usual, measured }: {
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
  "logEvery",
  "live",
  "port",
  "pictureEvery",
  "quiet",
  "dryRun",
  "printPlan",
  "profile",
]);

/**
 * The rows of a results table, with PyTorch's figures where somebody measured them with these settings on this data set;
 * the rows as they are everywhere else.
 *
 * @param recipe of which only the name and the architecture matter
 * @param config the recipe's flags, resolved
 */
export function withReferenceFigures(
  rows: readonly TableRow[],
  { name, architecture }: Pick<Recipe, "name" | "architecture">,
  config: Readonly<Record<string, unknown>>,
): TableRow[] {
  const now: Settings = { ...architecture, ...config };
  const found = measured.find(({ recipe, dataset, settings }) => {
    const then: Settings = { ...usual[recipe], ...settings };
    return recipe === name && dataset === config.dataset &&
      Object.keys({ ...now, ...then }).every((key) =>
        INDIFFERENT.has(key) || JSON.stringify(now[key]) === JSON.stringify(then[key])
      );
  });
  return rows.map((row) => {
    const figure = found?.rows[row.label];
    return figure === undefined ? row : { ...row, unit: `${row.unit}; PyTorch: ${figure}` };
  });
}
