// What the commands that apply a run to a data file share: their flags, reading the file, and going through its rows.
import { exitOnInterrupt } from "../../src/cli/command.ts";
import { readingProgress, WorkProgress } from "../../src/cli/work_progress.ts";
import { type FileTable, type ReadOptions, readTable } from "../../src/data/read_table.ts";
import { parseScaling } from "../../src/data/scaling.ts";
import type { Table } from "../../src/data/table.ts";
import { InputError } from "../../src/errors.ts";
import { printError } from "../../src/terminal.ts";
import { type LoadedModel, openModel } from "../../src/model/loaded_model.ts";
import { type Config, flagName, optionalText, positional, restoreConfig } from "../../src/recipe/flags.ts";
import { readTrainedRun, type TrainedRun } from "../../src/runs/load_run.ts";
import { RowsFile, type RowsLayout } from "../../src/runs/rows_file.ts";
import { READING } from "./data_of_run.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";

/** Declares the flags of a command that applies a run to a data file. */
export function rowsFlags(absentOut: string) {
  return {
    run: positional("RUN", "run folder"),
    file: positional("FILE", "data file, with the columns of the training data"),
    out: optionalText("file to write: .csv, .npy, .npz or .safetensors", absentOut),
    recipe: recipeFlag(),
    ...READING,
  };
}

/** A run's model and the rows to apply it to. */
export interface OpenedRows extends Disposable {
  readonly run: TrainedRun;
  readonly model: LoadedModel;
  /** Rows of the file, in its order and units. */
  readonly table: Table;
}

/**
 * Reads the file, as the run's data was read where no flag says otherwise, and loads the run's model.
 *
 * @throws InputError if either cannot be read, or the file has other columns than the training data
 */
export async function openRows(given: Config<ReturnType<typeof rowsFlags>>): Promise<OpenedRows> {
  const run = readTrainedRun(given.run);
  const { recipe, config } = await recipeOfRun(run, given.recipe);
  const { label, ignore, header, missing } = restoreConfig(READING, run.config, `"${run.path}"`);
  const ignored = given.ignore ?? ignore;
  const width = Number(run.facts.width), hasNoMeans = parseScaling(run.facts.scaling)?.fill === undefined;
  if (given.missing === "mean" && hasNoMeans) {
    throw new InputError(
      `Cannot replace missing values: expected a run with the means of its training rows but "${run.path}" has none; ` +
        "drop these rows (drop)",
      { settings: ["missing"] },
    );
  }
  const reading = readingProgress();
  const options: ReadOptions = {
    ...{ label: given.labels === undefined ? given.label ?? label : given.label, labels: given.labels },
    ...{ ignore: ignored, header: given.header ?? header, missing: given.missing ?? missing },
    ...{ hasNoMeans, progress: reading.progress },
  };
  const { table } = await readFitting(given.file, options, given, width);
  reading.finish();
  for (const { text, settings } of table.warnings) {
    printError(`warning: ${text} (${settings.map(flagName).join(", ")})`);
  }
  const found = table.values.length / table.count;
  if (found !== width) {
    throw new InputError(
      `Cannot use "${given.file}" with "${given.run}": expected rows of ${width} numbers, as in training, but found ` +
        `${found}; give the columns of the training data`,
      { settings: table.columns ? ["label", "ignore"] : [] },
    );
  }
  const model = await openModel(run, recipe, config);
  return { run, model, table, [Symbol.dispose]: () => model[Symbol.dispose]() };
}

/** Warns of rows beyond the range of the training rows. */
export function warnOfBeyond({ model, table: { values, count } }: OpenedRows): void {
  const beyond = model.countBeyond(values);
  if (beyond === 0) return;
  printError(
    `warning: ${beyond} of ${count} rows have values beyond the training rows' range` +
      (model.clamps ? ", which the network's cross-entropy cannot take: clamped for it" : ""),
  );
}

/** Reads a file; one without the run's column of classes, which new data often lacks, is read without it. */
async function readFitting(
  path: string,
  options: ReadOptions,
  given: { readonly label?: string | undefined; readonly ignore?: readonly string[] | undefined },
  width: number,
): Promise<FileTable> {
  try {
    return await readTable(path, options);
  } catch (error) {
    const isFromRun = given.label === undefined && given.ignore === undefined &&
      (options.label !== undefined || options.ignore !== undefined);
    if (!(error instanceof InputError) || !isFromRun) throw error;
    const { label: _label, ignore: _ignore, ...others } = options;
    const without = await readTable(path, others).catch(() => undefined);
    const fits = ({ table }: FileTable) => !table.columns || table.values.length / table.count === width;
    if (without && fits(without)) return without;
    throw error;
  }
}

/** Maximum number of rows, and of numbers, that are computed at a time: Ctrl-C is heard between. */
const BATCH = { rows: 1000, numbers: 2 ** 18 };

/** Number of rows to compute at a time. */
function rowsAtATime(width: number, outputs: number): number {
  return Math.max(1, Math.min(BATCH.rows, Math.floor(BATCH.numbers / Math.max(width, outputs))));
}

/**
 * Computes something for every row, some rows at a time.
 *
 * @param values [rows, width], row-major
 * @param compute returns [some rows, outputs] of some rows, of which the first is the given one
 * @returns [rows, outputs]
 */
export async function forRows<T extends Table["values"]>(
  values: T,
  width: number,
  outputs: number,
  compute: (rows: T, first: number) => Promise<Float32Array>,
): Promise<Float32Array<ArrayBuffer>> {
  const results = new Float32Array(values.length / width * outputs), batch = rowsAtATime(width, outputs);
  for (let first = 0; first * width < values.length; first += batch) {
    const rows = values.subarray(first * width, (first + batch) * width) as T;
    results.set(await compute(rows, first), first * outputs);
  }
  return results;
}

/**
 * Computes something for every row of a table, and writes it to a file in parts. Ctrl-C ends the process and leaves no
 * file.
 *
 * @param layout name and columns of what is computed
 * @param compute returns [some rows, columns] of some rows, of which the first is the given one
 * @throws InputError if the file cannot be written
 */
export async function writeRows<T extends Table["values"]>(
  out: string,
  layout: Pick<RowsLayout, "name" | "columns">,
  { values, count, rows, labels }: Pick<Table, "count" | "rows" | "labels"> & { readonly values: T },
  compute: (rows: T, first: number) => Promise<Float32Array>,
): Promise<void> {
  const width = values.length / count, batch = rowsAtATime(width, layout.columns.length);
  const progress = new WorkProgress("rows");
  using file = new RowsFile(out, { ...layout, count, rows, labels });
  using _interrupt = exitOnInterrupt(() => file[Symbol.dispose]());
  for (let first = 0; first < count; first += batch) {
    const some = values.subarray(first * width, (first + batch) * width) as T;
    file.add(await compute(some, first));
    progress.update(Math.min(first + batch, count), count);
  }
  file.finish();
  progress.finish();
}

/** Names of a table's columns; numbers from 0 after `column_` if the file has none. */
export function columnNames({ columns }: Table, width: number): readonly string[] {
  return columns?.length === width ? columns : Array.from({ length: width }, (_, k) => `column_${k}`);
}
