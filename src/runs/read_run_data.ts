/**
 * Reads all files of a run folder for reports. Missing files, of crashed or older runs, are missing in the
 * report; damaged ones are skipped with a warning.
 * @module
 */
import { basename, join, resolve } from "node:path";
import { CATALOGUE } from "../data/catalogue.ts";
import { InputError, quote, shellWord } from "../errors.ts";
import { printError } from "../terminal.ts";
import type {
  Baseline,
  EpochPicture,
  MetricsRecord,
  RunData,
  Snapshot,
  WeightImages,
} from "../report/run_data.ts";
import { checkPicture } from "./check_picture.ts";
import { parseEpochPicture } from "./epoch_picture_files.ts";
import { ioError } from "../files/io_error.ts";
import { valuesIn } from "../report/image_shape.ts";
import { storedShape } from "./load_run.ts";
import { readBytes } from "../files/read_file.ts";
import { readResults } from "./read_results.ts";
import { readSafetensors } from "../files/safetensors.ts";
import { loadSnapshot } from "./snapshot_file.ts";
import type { Results } from "./results.ts";
import { isBeingTrained, readMetrics } from "./metrics_log.ts";
import { readRun, type Run } from "./run_config.ts";
import { readTestErrors } from "./scores_file.ts";
import { loadWorstRows, WORST_FILE } from "./worst_rows_file.ts";

/** Number of bytes of metrics in memory; of a larger file, lines of progress are thinned. */
const MAX_METRICS_BYTES = 2 ** 26;

/** Names of tasks that differ from those of their recipes. */
const TASKS: Readonly<Record<string, string>> = { deep: "train" };

/** Result of {@link readRunFigures}: all data except images. */
export type RunFigures = Omit<RunData, "snapshot" | "pictures" | "weights" | "errors" | "worst">;

/**
 * Reads a run folder.
 *
 * @param folder the run folder
 * @param warn called with one line for each damaged file that is skipped
 * @returns data of the run; without results its status is `running` while a process trains there, else
 *   `crashed`
 * @throws InputError if it is not a run folder, or its `config.json` or metrics are damaged
 */
export function readRunData(folder: string, warn: (line: string) => void = printError): RunData {
  const names = namesIn(folder), figures = readRunFigures(folder, warn);
  return {
    ...figures,
    snapshot: names.has("snapshot.safetensors")
      ? unlessDamaged(() => snapshotOf(folder, figures.facts), warn)
      : undefined,
    pictures: picturesIn(folder, names, warn),
    ...(names.has("results.json") ? readErrors(folder, warn) : {}), // a resumed run has those of its end before
    weights: names.has("model.safetensors") ? unlessDamaged(() => weightsOf(folder), warn) ?? [] : [],
  };
}

/**
 * Reads a run's configuration, metrics and results, without images.
 *
 * @param folder the run folder
 * @param warn called with one line for each damaged file that is skipped
 * @throws InputError if it is not a run folder, or its `config.json` or metrics are damaged
 */
export function readRunFigures(folder: string, warn: (line: string) => void = printError): RunFigures {
  const run = readRun(folder), names = namesIn(folder);
  const { recipe, startedAt, config, facts } = run;
  const metrics = names.has("metrics.jsonl") ? readMetrics(folder, MAX_METRICS_BYTES) : [];
  const stored = names.has("results.json")
    ? unlessDamaged(() => readResults(join(folder, "results.json")), warn)
    : undefined;
  const isOlder = ![...names].some((name) => name.startsWith("checkpoint-")); // from before results.json
  const results = stored ?? (isOlder ? resultsOf(metrics) : undefined);
  return {
    name: basename(resolve(folder)),
    recipe,
    startedAt,
    status: results?.status ?? (names.has("metrics.jsonl") && isBeingTrained(folder) ? "running" : "crashed"),
    command: commandOf(run),
    config,
    facts,
    classNames: classNamesOf(run),
    metrics,
    baselines: results?.baselines ?? [],
    rows: results?.rows ?? [],
    stepMilliseconds: results?.stepMilliseconds ?? stepMillisecondsOf(metrics),
  };
}

/**
 * Reads the errors of a run's test rows, which it saves at its end.
 *
 * @param folder the run folder
 * @param warn called with one line for each damaged file that is skipped
 * @throws InputError if it is not a run folder
 */
export function readErrors(
  folder: string,
  warn: (line: string) => void = printError,
): Pick<RunData, "errors" | "worst"> {
  const names = namesIn(folder), run = readRun(folder);
  return {
    errors: unlessDamaged(() => readTestErrors(run), warn),
    worst: names.has(WORST_FILE)
      ? unlessDamaged(() => loadWorstRows(folder, valuesIn(storedShape(run))), warn)
      : undefined,
  };
}

/** Names of the files in a folder. */
function namesIn(folder: string): ReadonlySet<string> {
  try {
    return new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
  } catch (error) {
    throw ioError(`Cannot read the run "${folder}"`, error);
  }
}

/** Returns the result of `read`; undefined, with a warning, if the file is damaged. */
function unlessDamaged<T>(read: () => T, warn: (line: string) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    warn(`warning: ${error.message}`);
    return undefined;
  }
}

/** Results of runs from before results.json existed, taken from the last line of the metrics. */
function resultsOf(metrics: readonly MetricsRecord[]): Results | undefined {
  const { testError, meanImageError, pcaError, accuracy } = metrics.at(-1) ?? {};
  if (typeof testError !== "number" || typeof meanImageError !== "number" || typeof pcaError !== "number") {
    return;
  }
  const unit = "squared error per pixel, test images";
  const rows = [
    { label: "this model", value: testError, digits: 5, unit },
    { label: "PCA, same code size", value: pcaError, digits: 5, unit },
    { label: "mean image", value: meanImageError, digits: 5, unit },
    ...(typeof accuracy === "number"
      ? [{ label: "5-nearest-neighbor accuracy", value: accuracy, digits: 3, unit: "of the test codes" }]
      : []),
  ];
  const baselines: Baseline[] = [
    { label: "mean image", value: meanImageError, metric: "testError" },
    { label: "PCA, same code size", value: pcaError, metric: "testError" },
  ];
  return { rows, baselines, status: "finished" };
}

/** Milliseconds per step of a run without results. */
function stepMillisecondsOf(metrics: readonly MetricsRecord[]): number | undefined {
  const last = metrics.findLast(({ step, seconds }) =>
    typeof step === "number" && typeof seconds === "number"
  );
  return last && Number(last.step) > 0 ? 1000 * Number(last.seconds) / Number(last.step) : undefined;
}

/**
 * Returns the command that repeats a run: the stored one, or its task with all flags.
 */
export function commandOf({ recipe, config, facts }: Pick<Run, "recipe" | "config" | "facts">): string {
  if (typeof facts.command === "string") return facts.command;
  const flags = Object.entries(config).flatMap(([key, value]) => {
    const flag = "--" + key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
    if (value === false || key === "out" || key === "printPlan" || key === "dryRun") return [];
    return value === true ? [flag] : [flag, shellWord(Array.isArray(value) ? value.join(",") : `${value}`)];
  });
  return ["deno", "task", TASKS[recipe] ?? recipe, ...flags].join(" ");
}

/** Names of the classes, as stored in the run or defined by its data set. */
function classNamesOf({ facts }: Run): readonly string[] | undefined {
  const { classNames, dataset } = facts;
  if (Array.isArray(classNames) && classNames.every((name) => typeof name === "string")) return classNames;
  return CATALOGUE.find(({ name }) => name === dataset)?.classNames;
}

/** Reads the latest snapshot, whose images must have the run's shape. */
function snapshotOf(folder: string, { imageShape }: Run["facts"]): Snapshot | undefined {
  const snapshot = loadSnapshot(folder);
  if (snapshot && Array.isArray(imageShape) && snapshot.imageShape.join() !== imageShape.join()) {
    throw new InputError(
      `Cannot use the snapshot of "${folder}": expected images of ${quote(imageShape)} pixels, as in ` +
        `config.json, but found ${quote(snapshot.imageShape)}`,
    );
  }
  return snapshot;
}

/** Pictures saved after epochs, in order. */
function picturesIn(
  folder: string,
  names: ReadonlySet<string>,
  warn: (line: string) => void,
): EpochPicture[] {
  const found = [...names].flatMap((name) => {
    const picture = parseEpochPicture(name);
    return picture ? [{ name, ...picture }] : [];
  });
  return found.sort((a, b) => a.epoch - b.epoch).flatMap(({ name, kind, epoch }) => {
    const path = join(folder, name);
    const png = unlessDamaged(() => checkPicture(readBytes(path), path), warn);
    return png ? [{ kind, epoch, png }] : [];
  });
}

/**
 * Weights of the first and last layer as images. Those of a decoder are stored as [pixels, units] and
 * transposed.
 */
function weightsOf(folder: string): WeightImages[] {
  const pixels = valuesIn(storedShape(readRun(folder)));
  const matrices = readSafetensors(join(folder, "model.safetensors")).tensors.filter(({ shape, data }) =>
    shape.length === 2 && data.length > 0
  );
  const encoder = matrices.find(({ shape }) => shape[1] === pixels);
  const decoder = matrices.findLast(({ shape, name }) => shape[0] === pixels && name !== encoder?.name);
  return [
    ...(encoder ? [{ label: encoder.name, values: encoder.data }] : []),
    ...(decoder ? [{ label: decoder.name, values: turned(decoder.data, pixels) }] : []),
  ];
}

/** Transposes [rows, columns] to [columns, rows]. */
function turned(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  return values.map((_, k) => values[k % rows * columns + Math.floor(k / rows)]);
}
