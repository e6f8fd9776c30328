/**
 * Opens the data set that a command's flags name, and prints its source.
 * @module
 */
import { type Dataset, loadDataset } from "../data/dataset.ts";
import { holdOutClasses } from "../data/hold_out_classes.ts";
import { cachePath } from "../files/project.ts";
import { loadOwnData, type OwnDataOptions, type OwnDataset } from "../data/own_data.ts";
import type { ReadOptions } from "../data/read_table.ts";
import { parseScaling } from "../data/scaling.ts";
import { InputError, quote } from "../errors.ts";
import { print, printError } from "../terminal.ts";
import { commonFlags, flagName, restoreConfig } from "../recipe/flags.ts";
import { storedShape } from "../runs/load_run.ts";
import { readRun, type Run } from "../runs/run_config.ts";
import { readingProgress } from "./work_progress.ts";

/** Download folder of `deno task data`; ignored by git. */
export const DATASET_CACHE: string = cachePath("datasets");

/** Flags that select the data set, and say how to read and scale the user's own file. */
export interface DatasetChoice extends ReadOptions {
  /** Name of the data set. */
  readonly dataset: string;
  /** Folder to read it from, instead of the standard locations. */
  readonly dataDir?: string | undefined;
  /** Maximum number of training images. */
  readonly limit?: number | undefined;
  /** Path of the user's own file, used instead of the data set. */
  readonly data?: string | undefined;
  /** Path of a file with its test rows. */
  readonly testData?: string | undefined;
  /** Path of a file with their classes. */
  readonly testLabels?: string | undefined;
  /** Scaling of its values; found by them if absent. */
  readonly scale?: OwnDataOptions["scale"];
  /** Height and width of the images that its rows are, such as `28x28`, or `none`; found by the data if absent. */
  readonly image?: string | undefined;
  /** Path of the run that is resumed: its scaling is used. */
  readonly resume?: string | undefined;
  /** Names of the classes that are not learned from; none if absent. */
  readonly holdOutClass?: readonly string[] | undefined;
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
  const opened = await openWhole(choice), { holdOutClass, quiet = false } = choice;
  if (holdOutClass === undefined) return opened;
  const { data, line } = holdOutClasses(opened, holdOutClass);
  if (!quiet) print(line);
  return data;
}

async function openWhole(choice: DatasetChoice): Promise<Dataset> {
  const { dataset, dataDir, limit, data: path, quiet = false } = choice;
  if (path !== undefined) return await openOwnData(path, choice);
  const given = OWN_SETTINGS.find((key) => choice[key] !== undefined);
  if (given !== undefined) {
    throw new InputError(
      `Cannot use ${flagName(given)} ${quote(choice[given])}: expected a data file too; set --data`,
    );
  }
  const data = await loadDataset(dataset, {
    cacheDir: DATASET_CACHE,
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(limit === undefined ? {} : { limit }),
    remedy: `run \`deno task data ${dataset}\``,
    log: (line) => printError(line),
  });
  if (!quiet) print(`data      ${data.source}`);
  return data;
}

/** Settings that only the user's own data has. */
const OWN_SETTINGS = [
  "label",
  "labels",
  "testData",
  "testLabels",
  "ignore",
  "header",
  "missing",
  "scale",
  "image",
] as const;

/** Loads the user's own file, and prints what was found and done. */
async function openOwnData(path: string, choice: DatasetChoice): Promise<Dataset> {
  const { image, resume, scale, testFraction = 0.2, seed = 0, quiet = false } = choice;
  const sizes = image?.split(/[x×]/).map(Number);
  const reading = readingProgress();
  const loaded = await loadOwnData(path, {
    ...choice,
    ...{ testFraction, seed, progress: quiet ? undefined : reading.progress },
    scale,
    image: image === undefined || image === "none" ? image : [sizes![0], sizes![1]],
    ...(resume === undefined ? {} : asTrained(readRun(resume))),
  });
  reading.finish();
  const own = resume === undefined ? loaded : drawnAsIn(readRun(resume), loaded);
  for (const { text, settings } of own.warnings) {
    printError(`warning: ${text} (${settings.map(flagName).join(", ")})`);
  }
  if (quiet) return own;
  print(`data      ${own.source}`);
  for (const note of own.notes) print(`          ${note}`);
  const isKept = typeof scale === "object" || scale === "older" || resume !== undefined;
  print(`scale     ${own.scalingLine}${isKept ? "" : " (--scale and --image choose otherwise)"}`);
  return own;
}

/**
 * Returns how a run scaled the user's own data. A run older than scaling did so by the type of the values, and drew
 * rows of a square width as squares.
 *
 * @throws InputError if its constants are damaged
 */
function asTrained(run: Run): Pick<OwnDataOptions, "scale"> & { readonly image?: readonly [number, number] } {
  const { path, facts: { scaling } } = run;
  if (scaling === undefined) {
    const [height, width] = storedShape(run);
    return { scale: "older", image: [height, width] };
  }
  const parsed = parseScaling(scaling);
  if (parsed) return { scale: parsed };
  throw new InputError(
    `Cannot use "${path}": expected "scaling" to be offsets and divisors but found ${
      quote(scaling)
    }; train again`,
  );
}

/** Gives the images of a resumed run the shape that its pictures have: older runs drew color as three gray planes. */
function drawnAsIn(run: Run, data: OwnDataset): OwnDataset {
  const imageShape = storedShape(run), [height, width, colors = 1] = imageShape;
  return height * width * colors === data.width ? { ...data, imageShape } : data;
}

/** Where a run's data is now, and how it is read; as in training where absent. */
export type MovedData = Pick<
  DatasetChoice,
  "dataDir" | "data" | "testData" | "testLabels" | "label" | "labels" | "ignore" | "header" | "missing"
>;

/**
 * Opens the data set that a run was trained on; warns if it has changed since.
 *
 * @param given new location of the data, if it has moved, and how it is read if that has changed
 * @throws InputError if the data cannot be loaded
 */
export async function openRunDataset(run: Run, given: MovedData): Promise<Dataset> {
  const flags = commonFlags({ epochs: 1, batchSize: 1, learningRate: 1 });
  const { dataset, dataDir, data, testFraction, seed, limit, holdOutClass } = flags;
  const { label, labels, testData, testLabels, ignore, header, missing, scale, image } = flags;
  const choice = { dataset, dataDir, data, testFraction, seed, limit, holdOutClass };
  const stored = restoreConfig(
    { ...choice, ...{ label, labels, testData, testLabels, ignore, header, missing, scale, image } },
    run.config,
    `"${run.path}"`,
  );
  const path = given.data ?? stored.data;
  const { scale: kept, image: shape } = path === undefined ? {} : asTrained(run);
  const isGiven = given.label !== undefined || given.labels !== undefined;
  const images = await openDataset({
    ...stored,
    dataDir: given.dataDir ?? stored.dataDir,
    data: path,
    testData: given.testData ?? stored.testData,
    testLabels: given.testLabels ?? stored.testLabels,
    label: isGiven ? given.label : stored.label, // one of them replaces the other
    labels: isGiven ? given.labels : stored.labels,
    ignore: given.ignore ?? stored.ignore,
    header: given.header ?? stored.header,
    missing: given.missing ?? stored.missing,
    ...(kept === undefined ? {} : { scale: kept }),
    ...(shape === undefined ? {} : { image: shape.join("x") }),
  });
  if (images.checksum !== run.facts.datasetChecksum) {
    printError(`warning: the images differ from those that "${run.path}" was trained on`);
  }
  return images;
}
