/**
 * Opens the data set that a command's flags name, and prints its source.
 * @module
 */
import { type Dataset, loadDataset } from "../data/dataset.ts";
import { cachePath } from "../files/project.ts";
import { loadOwnData } from "../data/own_data.ts";
import { InputError } from "../errors.ts";
import { commonFlags, restoreConfig } from "../recipe/flags.ts";
import type { Run } from "../runs/run_config.ts";

/** Download folder of `deno task data`; ignored by git. */
export const DATASET_CACHE: string = cachePath("datasets");

/** Flags that select the data set. */
export interface DatasetChoice {
  /** Name of the data set. */
  readonly dataset: string;
  /** Folder to read it from, instead of the standard locations. */
  readonly dataDir?: string | undefined;
  /** Maximum number of training images. */
  readonly limit?: number | undefined;
  /** Path of the user's own file, used instead of the data set. */
  readonly data?: string | undefined;
  /** Its column with the class labels. */
  readonly label?: string | undefined;
  /** Fraction of its rows held out for testing; 0.2 if absent. */
  readonly testFraction?: number | undefined;
  /** Seed that selects the held-out rows; 0 if absent. */
  readonly seed?: number | undefined;
  /** True to print nothing; false if absent. */
  readonly quiet?: boolean | undefined;
}

/**
 * Loads the file or the data set that the flags name. It never downloads: if the files are not on this machine, the
 * error gives the command that fetches them.
 *
 * @throws InputError if the data cannot be loaded
 */
export async function openDataset(choice: DatasetChoice): Promise<Dataset> {
  const { dataset, dataDir, limit, data: path, label, testFraction = 0.2, seed = 0, quiet = false } = choice;
  if (path !== undefined) {
    const own = await loadOwnData(path, { label, testFraction, seed, limit });
    if (!quiet) console.log(`data      ${own.source}`);
    return own;
  }
  if (label !== undefined) {
    throw new InputError(`Cannot use --label "${label}": expected a CSV file too; set --data`);
  }
  const data = await loadDataset(dataset, {
    cacheDir: DATASET_CACHE,
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(limit === undefined ? {} : { limit }),
    remedy: `run \`deno task data ${dataset}\``,
    log: (line) => console.error(line),
  });
  if (!quiet) console.log(`data      ${data.source}`);
  return data;
}

/**
 * Opens the data set that a run was trained on; warns if it has changed since.
 *
 * @param given new location of the data, if it has moved
 * @throws InputError if the data cannot be loaded
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
    console.error(`warning: the images differ from those that "${run.path}" was trained on`);
  }
  return images;
}
