/**
 * The file `snapshot.safetensors` of a run folder: the latest snapshot of a network. Images, codes and errors
 * are tensors; the rest is JSON in the metadata.
 * @module
 */
import { join } from "node:path";
import { InputError, quote } from "../errors.ts";
import { parseImageShape, valuesIn } from "../report/image_shape.ts";
import type { ActivationHistogram, CodeCloud, LevelState, Snapshot } from "../report/run_data.ts";
import {
  encodeSafetensors,
  type NamedTensor,
  readMixedSafetensors,
  type TensorData,
} from "../files/safetensors.ts";
import { isRecord } from "../files/json.ts";
import { writeFileAtomic } from "../files/write_file.ts";

const FILE = "snapshot.safetensors";
const FORMAT = "bottleneck-snapshot-1";

/** Fields stored as JSON. */
type Facts = Pick<Snapshot, "epoch" | "step" | "imageShape" | "activations" | "sparsity" | "levels">;

/**
 * Writes a snapshot into a run folder, replacing an earlier one.
 *
 * @param folder the run folder
 * @throws InputError if it cannot be written
 */
export function saveSnapshot(folder: string, snapshot: Snapshot): void {
  const { epoch, step, imageShape, activations, sparsity, levels, errors, codes } = snapshot;
  const { images, inputs, reconstructions, samples } = snapshot;
  const pixels = valuesIn(imageShape);
  const matrix = <T extends TensorData>(name: string, data: T | undefined, width: number) =>
    data ? [{ name, shape: [data.length / width, width], data }] : [];
  const tensors: NamedTensor<TensorData>[] = [ // floats first, for alignment in the file
    { name: "errors", shape: [errors.length], data: errors },
    ...matrix("codes", codes?.values, codes?.size ?? 1),
    ...matrix("images", images, pixels),
    ...matrix("inputs", inputs, pixels),
    ...matrix("reconstructions", reconstructions, pixels),
    ...matrix("samples", samples, pixels),
    ...matrix("codes.images", codes?.images, pixels),
    ...(codes?.labels ? [{ name: "codes.labels", shape: [codes.labels.length], data: codes.labels }] : []),
  ];
  const facts: Facts = { epoch, step, imageShape, activations, sparsity, levels };
  writeFileAtomic(
    join(folder, FILE),
    encodeSafetensors(tensors, { format: FORMAT, facts: JSON.stringify(facts) }),
  );
}

/**
 * Reads a run's snapshot.
 *
 * @param folder the run folder
 * @returns the snapshot; undefined if there is none yet
 * @throws InputError if the file is damaged or cannot be read
 */
export function loadSnapshot(folder: string): Snapshot | undefined {
  const path = join(folder, FILE);
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
  }
  const { tensors, metadata } = readMixedSafetensors(path);
  const facts = metadata.format === FORMAT ? parseFacts(metadata.facts) : undefined;
  if (!facts) throw damaged(path, `facts of format "${FORMAT}"`, "others");

  const found = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const pixels = valuesIn(facts.imageShape);
  /** Returns the tensor with a name and shape, in which -1 matches any size; undefined if there is none. */
  function read<T extends TensorData>(
    name: string,
    kind: new (length: number) => T,
    ...shape: number[]
  ): T | undefined {
    const tensor = found.get(name);
    if (!tensor) return undefined;
    const fits = tensor.shape.length === shape.length &&
      shape.every((size, k) => size < 0 || size === tensor.shape[k]);
    if (!fits || !(tensor.data instanceof kind)) {
      throw damaged(
        path,
        `"${name}" as ${kind.name} [${shape}]`,
        `${tensor.data.constructor.name} ${quote(tensor.shape)}`,
      );
    }
    return tensor.data;
  }
  function need<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw damaged(path, `tensor "${name}"`, "none");
    return value;
  }

  const images = need("images", read("images", Uint8Array, -1, pixels));
  const count = images.length / pixels;
  const codeShape = found.get("codes")?.shape ?? [];
  const values = read("codes", Float32Array, -1, codeShape[1]);
  const codes: CodeCloud | undefined = values && {
    size: codeShape[1],
    values,
    labels: read("codes.labels", Uint8Array, codeShape[0]),
    images: need("codes.images", read("codes.images", Uint8Array, codeShape[0], pixels)),
  };
  return {
    ...facts,
    images,
    inputs: read("inputs", Uint8Array, count, pixels),
    reconstructions: need("reconstructions", read("reconstructions", Uint8Array, count, pixels)),
    errors: need("errors", read("errors", Float32Array, count)),
    codes,
    samples: read("samples", Uint8Array, -1, pixels),
  };
}

function damaged(path: string, expected: string, found: string): InputError {
  return new InputError(
    `Cannot read "${path}": expected ${expected} but found ${found}; ` +
      "remove the file; the rest of the run does not need it",
  );
}

/** Parses the facts of a snapshot; undefined if they are invalid. */
function parseFacts(text: string | undefined): Facts | undefined {
  let facts: unknown;
  try {
    facts = JSON.parse(text ?? "", (_key, value) => value === null ? NaN : value); // NaN is stored as null
  } catch {
    return undefined;
  }
  if (!isRecord(facts)) return undefined;
  const { epoch, step, activations, sparsity, levels } = facts,
    imageShape = parseImageShape(facts.imageShape);
  if (!isCount(epoch) || !isCount(step) || !imageShape) return undefined;
  if (!isListOf(activations, isHistogram)) return undefined;
  if (sparsity !== undefined && !isSparsity(sparsity)) return undefined;
  if (levels !== undefined && !isListOf(levels, isLevel)) return undefined;
  return { epoch, step, imageShape, activations, sparsity, levels };
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isCount(value: unknown): value is number {
  return isNumber(value) && Number.isSafeInteger(value) && value >= 0;
}

function isPair(value: unknown): value is [number, number] {
  return isListOf(value, isNumber) && value.length === 2;
}

function isHistogram(value: unknown): value is ActivationHistogram {
  return isRecord(value) && typeof value.label === "string" && isPair(value.range) &&
    isListOf(value.counts, isNumber);
}

function isSparsity(value: unknown): value is NonNullable<Snapshot["sparsity"]> {
  return isRecord(value) && isNumber(value.target) && isListOf(value.means, isNumber);
}

function isLevel(value: unknown): value is LevelState {
  return isRecord(value) && typeof value.label === "string" && isNumber(value.error) &&
    isNumber(value.encoderSpread) && isNumber(value.decoderSpread);
}
