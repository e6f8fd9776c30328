/**
 * Finding a command's data set, and saying in a line what was found.
 * @module
 */
import { type Dataset, loadDataset } from "../data/dataset.ts";
import { cachePath } from "../files/project.ts";
import { loadOwnData } from "../data/own_data.ts";
import { InputError } from "../errors.ts";
import { commonFlags, restoreConfig } from "../recipe/flags.ts";
import type { Run } from "../runs/run_config.ts";

/** The folder where `deno task data` puts what it downloads; git ignores it. */
export const DATASET_CACHE: string = cachePath("datasets");

/** The flags that say which data set. */
export interface DatasetChoice {
  /** Its name. */
  readonly dataset: string;
  /** Where to look for it, instead of the usual places. */
  readonly dataDir?: string | undefined;
  /** How many training images to use. */
  readonly limit?: number | undefined;
  /** A file of the user's own, instead of the data set. */
  readonly data?: string | undefined;
  /** The column of its classes. */
  readonly label?: string | undefined;
  /** The share of it that is held out; 0.2 if absent. */
  readonly testFraction?: number | undefined;
  /** What decides which rows are held out; 0 if absent. */
  readonly seed?: number | undefined;
  /** Whether to say nothing of what was loaded; false if absent. */
  readonly quiet?: boolean | undefined;
}

/**
 * Loads the file or the data set that the flags name. Nothing is downloaded: where a data set's files are not on this
 * machine, the error names the line that fetches them.
 *
 * @throws InputError if it cannot be had
 */
export async function openDataset(choice: DatasetChoice): Promise<Dataset> {
  const { dataset, dataDir, limit, data: path, label, testFraction = 0.2, seed = 0, quiet = false } = choice;
  if (path !== undefined) {
    const own = await loadOwnData(path, { label, testFraction, seed, limit });
    if (!quiet) console.log(`data      ${own.source}`);
    return own;
  }
  if (label !== undefined) {
    throw new InputError(`Cannot use --label "${label}": only a CSV file, given with --data, has columns`);
  }
  const data = await loadDataset(dataset, {
    cacheDir: DATASET_CACHE,
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(limit === undefined ? {} : { limit }),
    remedy: `type \`deno task data ${dataset}\``,
    log: (line) => console.error(line),
  });
  if (!quiet) console.log(`data      ${data.source}`);
  return data;
}

/**
 * Opens the data set that a run was trained on; warns if it has changed since.
 *
 * @param run the run
 * @param given where it lies, if not where it lay then
 * @throws InputError if it cannot be had
 */
export async function openRunDataset(
  run: Run,
  given: { readonly dataDir?: string | undefined; readonly data?: string | undefined },
): Promise<Dataset> {
  const { dataset, dataDir, data, label, testFraction, seed, limit } = commonFlags({
    epochs: 1,
    batchSize: 1,
    learningRate: 1,
  });
  const choice = { dataset, dataDir, data, label, testFraction, seed, limit };
  const stored = restoreConfig(choice, run.config, `"${run.path}"`);
  const images = await openDataset({
    ...stored,
    dataDir: given.dataDir ?? stored.dataDir,
    data: given.data ?? stored.data,
  });
  if (images.checksum !== run.facts.datasetChecksum) {
    console.error(`warning: these are not the images that "${run.path}" was trained on`);
  }
  return images;
}
