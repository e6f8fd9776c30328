/**
 * All that a run has left in its folder, for reports. Whatever is missing, because the run crashed or is older than
 * the file, is missing in the report; what is damaged is said and left out.
 * @module
 */
import { basename, join, resolve } from "node:path";
import { CATALOGUE } from "../data/catalogue.ts";
import { InputError, quote, shellWord } from "../errors.ts";
import type {
  Baseline,
  EpochPicture,
  MetricsRecord,
  RunData,
  Snapshot,
  WeightImages,
} from "../report/run_data.ts";
import { checkPicture } from "./check_picture.ts";
import { ioError } from "../files/io_error.ts";
import { storedShape } from "./load_run.ts";
import { readBytes } from "../files/read_file.ts";
import { readResults } from "./read_results.ts";
import { readSafetensors } from "../files/safetensors.ts";
import { loadSnapshot } from "./snapshot_file.ts";
import type { Results } from "./results.ts";
import { isBeingTrained, readMetrics } from "./metrics_log.ts";
import { readRun, type Run } from "./run_config.ts";

/** Tasks that are not called as their recipe is. */
const TASKS: Readonly<Record<string, string>> = { deep: "train" };

/** What {@link readRunFigures} reads: all but images. */
export type RunFigures = Omit<RunData, "snapshot" | "pictures" | "weights">;

/**
 * Reads a run folder.
 *
 * @param folder the run folder
 * @param warn is told, a line each, what had to be left out because it is damaged
 * @returns what is known; a run without results is `running` while a process trains there, else `crashed`
 * @throws InputError if it is no run folder, or its configuration or metrics are damaged
 */
export function readRunData(folder: string, warn: (line: string) => void = console.error): RunData {
  const names = namesIn(folder), figures = readRunFigures(folder, warn);
  return {
    ...figures,
    snapshot: names.has("snapshot.safetensors")
      ? unlessDamaged(() => snapshotOf(folder, figures.facts), warn)
      : undefined,
    pictures: picturesIn(folder, names, warn),
    weights: names.has("model.safetensors") ? unlessDamaged(() => weightsOf(folder), warn) ?? [] : [],
  };
}

/**
 * Reads a run's settings and figures, without its images.
 *
 * @param folder the run folder
 * @param warn is told, a line each, what had to be left out because it is damaged
 * @throws InputError if it is no run folder, or its configuration or metrics are damaged
 */
export function readRunFigures(folder: string, warn: (line: string) => void = console.error): RunFigures {
  const run = readRun(folder), names = namesIn(folder);
  const { recipe, startedAt, config, facts } = run;
  const metrics = names.has("metrics.jsonl") ? readMetrics(folder) : [];
  const stored = names.has("results.json")
    ? unlessDamaged(() => readResults(join(folder, "results.json")), warn)
    : undefined;
  const isOlder = ![...names].some((name) => name.startsWith("checkpoint-")); // than checkpoints and results.json
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

/** The names of the files in a folder. */
function namesIn(folder: string): ReadonlySet<string> {
  try {
    return new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
  } catch (error) {
    throw ioError(`Cannot read the run "${folder}"`, error);
  }
}

/** What `read` gives; undefined, after a warning, if the file is damaged. */
function unlessDamaged<T>(read: () => T, warn: (line: string) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    warn(`warning: ${error.message}`);
    return undefined;
  }
}

/** The results of runs that are older than results.json: they are the last line of the metrics. */
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

/** Milliseconds per step so far, of a run that did not come to write its results. */
function stepMillisecondsOf(metrics: readonly MetricsRecord[]): number | undefined {
  const last = metrics.findLast(({ step, seconds }) =>
    typeof step === "number" && typeof seconds === "number"
  );
  return last && Number(last.step) > 0 ? 1000 * Number(last.seconds) / Number(last.step) : undefined;
}

/**
 * The command that repeats a run: the one that it was started with, if it kept it, or its task with every setting.
 *
 * @param run the run
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

/** The names of the classes, as the run kept them, or as its data set has them. */
function classNamesOf({ facts }: Run): readonly string[] | undefined {
  const { classNames, dataset } = facts;
  if (Array.isArray(classNames) && classNames.every((name) => typeof name === "string")) return classNames;
  return CATALOGUE.find(({ name }) => name === dataset)?.classNames;
}

/** The latest snapshot, if its images are those of the run. */
function snapshotOf(folder: string, { imageShape }: Run["facts"]): Snapshot | undefined {
  const snapshot = loadSnapshot(folder);
  if (snapshot && Array.isArray(imageShape) && snapshot.imageShape.join() !== imageShape.join()) {
    throw new InputError(
      `Cannot use the snapshot of "${folder}": expected images of ${
        quote(imageShape)
      } pixels, as config.json ` +
        `says, but found ${quote(snapshot.imageShape)}`,
    );
  }
  return snapshot;
}

/** The pictures that were saved after epochs, in order. */
function picturesIn(
  folder: string,
  names: ReadonlySet<string>,
  warn: (line: string) => void,
): EpochPicture[] {
  const found = [...names].flatMap((name) => {
    const [, kind, epoch] = /^(samples|reconstructions)-(\d+)\.png$/.exec(name) ?? [];
    return kind ? [{ name, kind: kind as EpochPicture["kind"], epoch: Number(epoch) }] : [];
  });
  return found.sort((a, b) => a.epoch - b.epoch).flatMap(({ name, kind, epoch }) => {
    const path = join(folder, name);
    const png = unlessDamaged(() => checkPicture(readBytes(path), path), warn);
    return png ? [{ kind, epoch, png }] : [];
  });
}

/**
 * The weights that touch pixels, as images: those of the first layer and of the last one. A decoder's weights are
 * kept [pixels, units], and are turned.
 */
function weightsOf(folder: string): WeightImages[] {
  const [height, width] = storedShape(readRun(folder)), pixels = height * width;
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

/** [rows, columns] as [columns, rows]. */
function turned(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  return values.map((_, k) => values[k % rows * columns + Math.floor(k / rows)]);
}
