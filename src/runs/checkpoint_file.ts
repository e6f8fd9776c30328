/**
 * Checkpoints: the files `checkpoint-<step>.safetensors` of a run folder, each with all that training depends on at one
 * moment. Parameters keep their names; the optimizer's numbers are `moments/1/<name>`, …; losses that were not reported
 * yet are `unread/losses`; the best model so far, with `--patience`, is `best/<name>`. All else is JSON in the metadata,
 * with a checksum of everything.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { InputError, quote } from "../errors.ts";
import { ioError } from "../files/io_error.ts";
import { readBytes } from "../files/read_file.ts";
import { withCurrentNames } from "./run_config.ts";
import { decodeSafetensors, type NamedTensor, writeSafetensors } from "../files/safetensors.ts";
import { syncFolder } from "../files/write_file.ts";
import { LOSS_RING } from "../graph/loss_ring.ts";
import type { StepState } from "../graph/step_state.ts";

const FORMAT = "bottleneck-checkpoint-";
const VERSION = 1;
const FILE_NAME = /^checkpoint-(\d{1,15})\.safetensors$/;
/** More than a checkpoint has whose arenas fit into one binding each. */
const MAX_BYTES = 2 ** 30;

/** Where training stood. */
export interface CheckpointPlace {
  /** Steps done, over all stages. */
  readonly step: number;
  /** The epoch that the last of them belongs to, from 1; 0 before the first step. */
  readonly epoch: number;
  /** The stage that was trained, if there are stages. */
  readonly stage?: number | undefined;
  /** Steps that each stage has done, in their order; one number without stages. */
  readonly stageSteps: readonly number[];
  /** Which of them `state` is of. */
  readonly current: number;
  /** Bytes of metrics.jsonl then. */
  readonly metricsBytes: number;
  /** Seconds of training so far. */
  readonly seconds: number;
  /** Steps at which training had diverged and went back; each halved the learning rate. */
  readonly rollbacks: readonly number[];
}

/** The tensors and metadata of a model file. */
export interface StoredModel {
  /** The parameters. */
  readonly tensors: readonly NamedTensor[];
  /** What the file says of them. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** All that training depends on. */
export interface Checkpoint {
  /** The recipe's name. */
  readonly recipe: string;
  /** The flags that what is learned depends on. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The data set's name, and its SHA-256 in hex. */
  readonly dataset: { readonly name: string; readonly checksum: string };
  /** Where training stood. */
  readonly place: CheckpointPlace;
  /** The parameters, in PyTorch's layout. */
  readonly parameters: readonly NamedTensor[];
  /** What the step of the current stage depends on beside them. */
  readonly state: StepState;
  /** The best model so far, if training may stop early. */
  readonly best?: StoredModel | undefined;
}

/** The steps of the checkpoints in a run folder, the newest first. */
function stepsIn(folder: string): number[] {
  const steps = [...Deno.readDirSync(folder)].flatMap(({ name }) => FILE_NAME.exec(name)?.[1] ?? []);
  return steps.map(Number).sort((a, b) => b - a);
}

function pathOf(folder: string, step: number): string {
  return join(folder, `checkpoint-${step}.safetensors`);
}

/**
 * Writes a checkpoint, whole or not at all, and then removes those that are too many.
 *
 * @param folder the run folder
 * @param checkpoint what to keep
 * @param keep how many of the newest remain, this one included
 * @throws InputError if it cannot be written; earlier ones are as they were then
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
    // the names that the format has for the steps run and the rows not read yet
    state: JSON.stringify({ index: count, unread, unreadImages: unreadRows, moments: moments.length }),
    ...(best ? { best: JSON.stringify(best.metadata) } : {}),
  };
  writeSafetensors(pathOf(folder, place.step), tensors, { ...texts, checksum: checksumOf(tensors, texts) });
  const action = `Cannot keep the checkpoints of "${folder}"`;
  try {
    syncFolder(folder); // the new name must be on the disk before an old one goes
    const others = stepsIn(folder).filter((step) => step !== place.step);
    for (const step of others.slice(keep - 1)) Deno.removeSync(pathOf(folder, step));
  } catch (error) {
    throw ioError(action, error);
  }
}

/** SHA-256 in hex over names, shapes, metadata and values: what a checkpoint says of itself. */
export function checksumOf(tensors: readonly NamedTensor[], texts: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256");
  const header = [Object.entries(texts).sort(), tensors.map(({ name, shape }) => [name, shape])];
  hash.update(JSON.stringify(header));
  for (const { data } of tensors) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
}

/**
 * Reads the newest checkpoint of a run, and checks all of it.
 *
 * @param folder the run folder
 * @returns undefined if it has none
 * @throws InputError if it is damaged, was changed, or is of a newer format
 */
export function readLastCheckpoint(folder: string): Checkpoint | undefined {
  try {
    const [step] = stepsIn(folder);
    return step === undefined ? undefined : readCheckpoint(pathOf(folder, step));
  } catch (error) {
    throw ioError(`Cannot resume "${folder}"`, error);
  }
}

/**
 * Reads a checkpoint, and checks all of it.
 *
 * @param path its file
 * @throws InputError if it cannot be read, is damaged, was changed, or is of a newer format
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
    const advice = version > VERSION
      ? "it is of a newer Bottleneck: resume with that"
      : "it is no checkpoint";
    throw refuse(`format "${FORMAT}${VERSION}"`, quote(texts.format), advice);
  }
  if (checksum !== checksumOf(tensors, texts)) {
    const advice = "it was changed or damaged: remove it, and an older one counts, or the beginning";
    throw refuse("contents with the checksum that it names", "others", advice);
  }

  const part = (name: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(texts[name]);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch { /* the same as something else */ }
    throw refuse(`an object as "${name}"`, quote(texts[name]), "it is no checkpoint");
  };
  const counts = (name: string, values: unknown): readonly number[] => {
    if (Array.isArray(values) && values.every((n) => Number.isSafeInteger(n) && n >= 0)) return values;
    throw refuse(`whole numbers as "${name}"`, quote(values), "it is no checkpoint");
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
  if (!(seconds >= 0)) throw refuse(`seconds in "place"`, quote(place.seconds), "it is no checkpoint");
  /** The tensors whose names begin so, without that beginning. */
  const under = (beginning: string): NamedTensor[] =>
    tensors.filter(({ name }) => name.startsWith(beginning)).map((tensor) => ({
      ...tensor,
      name: tensor.name.slice(beginning.length),
    }));
  const best = texts.best === undefined ? undefined : part("best");
  if (best && !Object.values(best).every((text) => typeof text === "string")) {
    throw refuse(`texts in "best"`, quote(best), "it is no checkpoint");
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
