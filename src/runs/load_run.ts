/**
 * Loading what a run has learned.
 * @module
 */
import { join } from "node:path";
import { InputError, quote, toOneLine } from "../errors.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { type NamedTensor, readSafetensors } from "../files/safetensors.ts";
import { readRun, type Run } from "./run_config.ts";

/** A run and its trained values. */
export interface TrainedRun extends Run {
  /** The values by name, in PyTorch's layout. */
  readonly tensors: readonly NamedTensor[];
}

/**
 * Reads a run that has finished.
 *
 * @param folder the run folder
 * @throws InputError if it is no such folder, or one of its files is damaged
 */
export function readTrainedRun(folder: string): TrainedRun {
  const run = readRun(folder, ["model.safetensors"]);
  return { ...run, tensors: readSafetensors(join(folder, "model.safetensors")).tensors };
}

/**
 * Rows and columns of the images that a run was trained on, without the images.
 *
 * @throws InputError if the run does not say
 */
export function storedShape(run: Run): [number, number] {
  const shape = run.facts.imageShape;
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
  if (!Array.isArray(shape) || shape.length !== 2 || !shape.every(isSize)) {
    throw new InputError(
      `Cannot use "${run.path}": expected "imageShape" to be two sizes but found ${
        quote(shape)
      }; train again`,
    );
  }
  return [shape[0], shape[1]];
}

/**
 * The parameters of a network, with the values that a run has learned.
 *
 * @param run the run
 * @param build records the network
 * @param width pixels of an image
 * @throws InputError if the run's tensors are not those of the network
 */
export function loadParameters(run: TrainedRun, build: BuildModel, width: number): Parameters {
  refuseWiderThanTensors(run, width);
  const parameters = new Parameters(0);
  const graph = new Graph(1);
  build(graph, parameters, graph.input("pixels", width));
  const found = new Map(run.tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, shape } of parameters.all) {
    const tensor = found.get(name);
    if (tensor?.shape.join() !== shape.join()) {
      throw new InputError(
        `Cannot load "${run.path}": expected tensor "${name}" of shape [${shape.join(", ")}], found ` +
          (tensor ? `[${toOneLine(tensor.shape.join(", "))}]` : "none"),
      );
    }
    parameters.write(name, tensor.data);
  }
  return parameters;
}

/** Every width of a network is a size of one of its tensors: what is wider is refused before it takes memory. */
function refuseWiderThanTensors({ path, config: { sizes, code }, tensors }: TrainedRun, width: number): void {
  const widest = tensors.reduce((most, { shape }) => shape.reduce((a, b) => Math.max(a, b), most), 0);
  const inner: unknown[] = Array.isArray(sizes) ? sizes.slice(1, -1) : []; // the first follows the images
  const last: unknown = code ?? (Array.isArray(sizes) ? sizes.at(-1) : undefined);
  const wrong = [width, ...inner, last].find((asked) => Number(asked) > widest);
  if (wrong === undefined) return;
  throw new InputError(
    `Cannot load "${path}": expected no width above ${widest}, the largest in model.safetensors, but found ` +
      `${wrong}; train again`,
  );
}
