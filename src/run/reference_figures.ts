/**
 * What PyTorch reaches with the same recipe, flags and data set, from `reference_figures.json`: ranges over seeds.
 * @module
 */
import figures from "./reference_figures.json" with { type: "json" };
import type { TableRow } from "../report/closing_table.ts";
import type { Recipe } from "./recipe.ts";

/** What was measured with PyTorch under one set of flags. */
interface ReferenceFigures {
  readonly recipe: string;
  readonly dataset: string;
  /** The flags that are not at their defaults. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** By the label of the closing table's row. */
  readonly rows: Readonly<Partial<Record<string, string>>>;
}

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
 * The rows of a closing table, with PyTorch's figures where somebody measured them with these flags on this data set;
 * the rows as they are everywhere else.
 *
 * @param config the recipe's flags, resolved
 */
export function withReferenceFigures(
  rows: readonly TableRow[],
  { name, flags }: Pick<Recipe, "name" | "flags">,
  config: Readonly<Record<string, unknown>>,
): TableRow[] {
  const isEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const found = (figures as readonly ReferenceFigures[]).find((measured) =>
    measured.recipe === name && measured.dataset === config.dataset &&
    Object.entries(flags).every(([key, { defaultValue }]) =>
      INDIFFERENT.has(key) || isEqual(config[key], measured.flags?.[key] ?? defaultValue)
    )
  );
  return rows.map((row) => {
    const figure = found?.rows[row.label];
    return figure === undefined ? row : { ...row, unit: `${row.unit}; PyTorch: ${figure}` };
  });
}
