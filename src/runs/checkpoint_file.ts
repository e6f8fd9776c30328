/**
 * Checkpoints: the files `checkpoint-<step>.safetensors` of a run folder, each with the complete state of
 * training. Parameters keep their names; the optimizer's moments are `moments/1/<name>`, …; losses that are
 * not reported yet are `unread/losses`; with `--patience`, the best model so far is `best/<name>`. The rest
 * is JSON in the metadata, with a checksum of everything.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { InputError, quote } from "../errors.ts";
import { printError } from "../terminal.ts";
import { ioError } from "../files/io_error.ts";
import { readBytes } from "../files/read_file.ts";
import { withCurrentNames } from "./run_config.ts";
import { decodeSafetensors, type NamedTensor, writeSafetensors } from "../files/safetensors.ts";
import { syncFolder } from "../files/write_file.ts";
import { LOSS_RING } from "../step/loss_ring.ts";
import type { StepState } from "../step/step_state.ts";

const FORMAT = "bottleneck-checkpoint-";
const VERSION = 1;
const FILE_NAME = /^checkpoint-(\d{1,15})\.safetensors$/;
/** Limit above any checkpoint whose arenas fit into one binding each. */
const MAX_BYTES = 2 ** 30;

/** Position of training at a checkpoint. */
export interface CheckpointPlace {
  /** Number of steps done, over all stages. */
  readonly step: number;
  /** Epoch of the last step, counted from 1; 0 before the first step. */
  readonly epoch: number;
  /** Number of the current stage; absent without stages. */
  readonly stage?: number | undefined;
  /** Number of steps done in each stage, in order; a single number without stages. */
  readonly stageSteps: readonly number[];
  /** Index in `stageSteps` of the stage that `state` belongs to. */
  readonly current: number;
  /** Size of metrics.jsonl, in bytes. */
  readonly metricsBytes: number;
  /** SHA-256 of metrics.jsonl in hex; absent in older checkpoints. */
  readonly metricsChecksum?: string | undefined;
  /** Training time so far, in seconds. */
  readonly seconds: number;
  /** Steps at which training diverged and was rolled back; each halved the learning rate. */
  readonly rollbacks: readonly number[];
}

/** The tensors and metadata of a model file. */
export interface StoredModel {
  /** Parameters of the model. */
  readonly tensors: readonly NamedTensor[];
  /** Metadata of the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Complete state of training. */
export interface Checkpoint {
  /** Name of the recipe. */
  readonly recipe: string;
  /** Flags on which the trained model depends. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Name of the data set and its SHA-256 in hex. */
  readonly dataset: { readonly name: string; readonly checksum: string };
  /** Position of training. */
  readonly place: CheckpointPlace;
  /** The parameters, in PyTorch's layout. */
  readonly parameters: readonly NamedTensor[];
  /** Optimizer state and unreported losses of the current stage. */
  readonly state: StepState;
  /** Best model so far; only with early stopping. */
  readonly best?: StoredModel | undefined;
}

/** Steps of the checkpoints in a run folder, newest first. */
function stepsIn(folder: string): number[] {
  const steps = [...Deno.readDirSync(folder)].flatMap(({ name }) => FILE_NAME.exec(name)?.[1] ?? []);
  return steps.map(Number).sort((a, b) => b - a);
}

function pathOf(folder: string, step: number): string {
  return join(folder, `checkpoint-${step}.safetensors`);
}

/** Returns true if a run folder has a checkpoint, damaged or not. */
export function hasCheckpoint(folder: string): boolean {
  return stepsIn(folder).length > 0;
}

/**
 * Writes a checkpoint atomically, then removes the oldest ones, and those of later steps: damaged ones, before which
 * the run has resumed.
 *
 * @param folder the run folder
 * @param checkpoint the state to save
 * @param keep number of newest checkpoints to keep, including this one
 * @throws InputError if it cannot be written; earlier checkpoints are then unchanged
 */
export function saveCheckpoint(folder: string, checkpoint: Checkpoint, keep: number): void {
  const { recipe, config, dataset, place, parameters, state, best } = checkpoint;
  const { count, unread, unreadRows, moments, losses, norms } = state;
  const shapeOf = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const tensors: NamedTensor[] = [
    ...parameters,
    ...moments.flatMap((values, k) =>
      [...values].map(([name, data]) => ({
        name: `moments/${k + 1}/${name}`,
        shape: shapeOf.get(name)!,
        data: data as Float32Array,
      }))
    ),
    { name: "unread/losses", shape: [LOSS_RING, losses.length / LOSS_RING], data: losses },
    ...(norms ? [{ name: "unread/norms", shape: [LOSS_RING], data: norms }] : []),
    ...(best?.tensors ?? []).map((tensor) => ({ ...tensor, name: `best/${tensor.name}` })),
  ];
  const texts: Record<string, string> = {
    format: `${FORMAT}${VERSION}`,
    recipe,
    config: JSON.stringify(config),
    dataset: JSON.stringify(dataset),
    place: JSON.stringify(place),
    // in the format, `index` is the step count and `unreadImages` are the unread rows
    state: JSON.stringify({ index: count, unread, unreadImages: unreadRows, moments: moments.length }),
    ...(best ? { best: JSON.stringify(best.metadata) } : {}),
  };
  writeSafetensors(pathOf(folder, place.step), tensors, { ...texts, checksum: checksumOf(tensors, texts) });
  const action = `Cannot clean up the checkpoints of "${folder}"`;
  try {
    syncFolder(folder); // the new file must be on disk before an old one is removed
    const steps = stepsIn(folder), newest = steps.indexOf(place.step);
    const old = [...steps.slice(0, newest), ...steps.slice(newest + keep)];
    for (const step of old) Deno.removeSync(pathOf(folder, step));
  } catch (error) {
    throw ioError(action, error);
  }
}

/** SHA-256 in hex of names, shapes, metadata and values, stored in the checkpoint. */
export function checksumOf(tensors: readonly NamedTensor[], texts: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256");
  const header = [Object.entries(texts).sort(), tensors.map(({ name, shape }) => [name, shape])];
  hash.update(JSON.stringify(header));
  for (const { data } of tensors) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
}

/** A checkpoint that a newer version wrote: no damage, so that no older one is used in its place. */
class NewerFormat extends InputError {}

/**
 * Reads and validates the newest checkpoint of a run; in place of a damaged one, the one before it.
 *
 * @param folder the run folder
 * @param warn called with one line for each damaged checkpoint that is skipped
 * @returns the checkpoint; undefined if there is none
 * @throws InputError if all are damaged or were changed, or one has a newer format
 */
export function readLastCheckpoint(
  folder: string,
  warn: (line: string) => void = printError,
): Checkpoint | undefined {
  const damaged: string[] = [];
  try {
    for (const step of stepsIn(folder)) {
      try {
        const checkpoint = readCheckpoint(pathOf(folder, step));
        for (const finding of damaged) warn(`warning: ${finding}; resuming from step ${step} instead`);
        return checkpoint;
      } catch (error) {
        if (!(error instanceof InputError) || error instanceof NewerFormat) throw error;
        damaged.push(error.message);
      }
    }
  } catch (error) {
    throw ioError(`Cannot resume "${folder}"`, error);
  }
  if (damaged.length === 0) return undefined;
  throw new InputError(
    `${damaged[0]}; no older checkpoint can be read: remove ${
      damaged.length > 1 ? `all ${damaged.length}` : "it"
    }, and --resume trains again from the start`,
  );
}

/**
 * Reads and validates a checkpoint.
 *
 * @throws InputError if it cannot be read, is damaged, was changed, or has a newer format
 */
function readCheckpoint(path: string): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(readBytes(path, MAX_BYTES), `"${path}"`);
  const refuse = (expected: string, found: string, advice: string): InputError =>
    new InputError(
      `Cannot resume from "${path}": expected ${expected} but found ${found}; ${advice}`,
    );
  const { checksum, ...texts } = metadata;
  const version = texts.format?.startsWith(FORMAT) ? Number(texts.format.slice(FORMAT.length)) : NaN;
  if (version !== VERSION) {
    const expected = `format "${FORMAT}${VERSION}"`, found = quote(texts.format);
    if (!(version > VERSION)) throw refuse(expected, found, "it is not a checkpoint");
    const advice = "it was written by a newer Bottleneck; resume with that version";
    throw new NewerFormat(refuse(expected, found, advice).message);
  }
  if (checksum !== checksumOf(tensors, texts)) {
    throw refuse("contents that match its checksum", "others", "it was changed or damaged");
  }

  const part = (name: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(texts[name]);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch { /* refused below */ }
    throw refuse(`an object as "${name}"`, quote(texts[name]), "it is not a checkpoint");
  };
  const counts = (name: string, values: unknown): readonly number[] => {
    if (Array.isArray(values) && values.every((n) => Number.isSafeInteger(n) && n >= 0)) return values;
    throw refuse(`non-negative integers as "${name}"`, quote(values), "it is not a checkpoint");
  };
  const place = part("place"), state = part("state"), dataset = part("dataset");
  const [step, epoch, current, metricsBytes] = counts("place", [
    place.step,
    place.epoch,
    place.current,
    place.metricsBytes,
  ]);
  const [index, unread, unreadImages, kinds] = counts("state", [
    state.index,
    state.unread,
    state.unreadImages,
    state.moments,
  ]);
  const seconds = Number(place.seconds);
  if (!(seconds >= 0)) throw refuse(`seconds in "place"`, quote(place.seconds), "it is not a checkpoint");
  /** Returns the tensors whose names have a prefix, without that prefix. */
  const under = (beginning: string): NamedTensor[] =>
    tensors.filter(({ name }) => name.startsWith(beginning)).map((tensor) => ({
      ...tensor,
      name: tensor.name.slice(beginning.length),
    }));
  const best = texts.best === undefined ? undefined : part("best");
  if (best && !Object.values(best).every((text) => typeof text === "string")) {
    throw refuse(`strings in "best"`, quote(best), "it is not a checkpoint");
  }
  const unreadTensors = new Map(under("unread/").map(({ name, data }) => [name, data]));
  return {
    recipe: texts.recipe,
    config: withCurrentNames(part("config")),
    dataset: { name: `${dataset.name}`, checksum: `${dataset.checksum}` },
    place: {
      step,
      epoch,
      stage: place.stage === undefined ? undefined : counts("stage", [place.stage])[0],
      stageSteps: counts("stageSteps", place.stageSteps),
      current,
      metricsBytes,
      metricsChecksum: place.metricsChecksum === undefined ? undefined : `${place.metricsChecksum}`,
      seconds,
      rollbacks: counts("rollbacks", place.rollbacks ?? []),
    },
    parameters: tensors.filter(({ name }) => !/^(moments|unread|best)\//.test(name)),
    state: {
      count: index,
      unread,
      unreadRows: unreadImages,
      moments: Array.from(
        { length: Math.min(kinds, tensors.length) },
        (_, k) => new Map(under(`moments/${k + 1}/`).map(({ name, data }) => [name, data])),
      ),
      losses: unreadTensors.get("losses") ?? new Float32Array(),
      norms: unreadTensors.get("norms"),
    },
    best: best && { tensors: under("best/"), metadata: best as Record<string, string> },
  };
}
