// What the commands that apply a run to a data file share: their flags, reading the file, and going through its rows.
import { type FileTable, type ReadOptions, readTable } from "../../src/data/read_table.ts";
import type { Table } from "../../src/data/table.ts";
import { InputError } from "../../src/errors.ts";
import { type LoadedModel, openModel } from "../../src/model/loaded_model.ts";
import {
  commonFlags,
  type Config,
  flagName,
  optionalText,
  positional,
  restoreConfig,
} from "../../src/recipe/flags.ts";
import { readTrainedRun, type TrainedRun } from "../../src/runs/load_run.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";

const { label, labels, ignore, header, missing } = commonFlags({ epochs: 1, batchSize: 1, learningRate: 1 });
const READING = { label, labels, ignore, header, missing };

/** Declares the flags of a command that applies a run to a data file. */
export function rowsFlags(absentOut: string) {
  return {
    run: positional("RUN", "run folder"),
    file: positional("FILE", "data file, with the columns of the training data"),
    out: optionalText("file to write: .csv, .npy or .safetensors", absentOut),
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
  const options: ReadOptions = {
    ...{ label: given.labels === undefined ? given.label ?? label : given.label, labels: given.labels },
    ...{ ignore: ignored, header: given.header ?? header, missing: given.missing ?? missing },
  };
  const width = Number(run.facts.width);
  const { table } = await readFitting(given.file, options, given, width);
  for (const { text, settings } of table.warnings) {
    console.error(`warning: ${text} (${settings.map(flagName).join(", ")})`);
  }
  const found = table.values.length / table.count;
  if (found !== width) {
    throw new InputError(
      `Cannot use "${given.file}" with "${given.run}": expected rows of ${width} numbers, as in training, but found ` +
        `${found}; give the columns of the training data`,
      { settings: ["label", "ignore"] },
    );
  }
  const model = await openModel(run, recipe, config);
  return { run, model, table, [Symbol.dispose]: () => model[Symbol.dispose]() };
}

/** Warns of rows beyond the range of the training rows. */
export function warnOfBeyond({ model, table: { values, count } }: OpenedRows): void {
  const beyond = model.countBeyond(values);
  if (beyond === 0) return;
  console.error(
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
    if (without && without.table.values.length / without.table.count === width) return without;
    throw error;
  }
}

/** Number of rows that are computed at a time. */
const BATCH = 1000;

/**
 * Computes something for every row, some rows at a time.
 *
 * @param values [rows, width], row-major
 * @param compute returns [some rows, outputs] of some rows
 * @returns [rows, outputs]
 */
export async function forRows<T extends Table["values"]>(
  values: T,
  width: number,
  outputs: number,
  compute: (rows: T) => Promise<Float32Array>,
): Promise<Float32Array<ArrayBuffer>> {
  const count = values.length / width, results = new Float32Array(count * outputs);
  const isTerminal = Deno.stderr.isTerminal() && count > 10 * BATCH;
  const say = (text: string) => isTerminal && Deno.stderr.writeSync(new TextEncoder().encode(`\r${text}`));
  for (let first = 0; first < count; first += BATCH) {
    const rows = values.subarray(first * width, (first + BATCH) * width) as T;
    results.set(await compute(rows), first * outputs);
    say(`${first + rows.length / width} of ${count} rows`);
  }
  say(" ".repeat(40) + "\r");
  return results;
}

/** Names of a table's columns; numbers from 0 after `column_` if the file has none. */
export function columnNames({ columns }: Table, width: number): readonly string[] {
  return columns?.length === width ? columns : Array.from({ length: width }, (_, k) => `column_${k}`);
}
