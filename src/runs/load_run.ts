/**
 * Loading the trained parameters of a run.
 * @module
 */
import { join } from "node:path";
import { InputError, quote, toOneLine } from "../errors.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { type NamedTensor, readSafetensors } from "../files/safetensors.ts";
import { type ImageShape, parseImageShape } from "../report/image_shape.ts";
import { readRun, type Run } from "./run_config.ts";

/** A run with its trained tensors. */
export interface TrainedRun extends Run {
  /** Tensors of `model.safetensors`, in PyTorch's layout. */
  readonly tensors: readonly NamedTensor[];
}

/**
 * Reads a finished run.
 *
 * @param folder the run folder
 * @throws InputError if it is not the folder of a finished run, or a file is damaged
 */
export function readTrainedRun(folder: string): TrainedRun {
  const run = readRun(folder, ["model.safetensors"]);
  return { ...run, tensors: readSafetensors(join(folder, "model.safetensors")).tensors };
}

/**
 * Shape of a run's images, as stored in its `config.json`.
 *
 * @throws InputError if they are missing
 */
export function storedShape({ path, facts: { imageShape } }: Run): ImageShape {
  const shape = parseImageShape(imageShape);
  if (shape) return shape;
  throw new InputError(
    `Cannot use "${path}": expected "imageShape" to be two sizes, and 3 for color, but found ${
      quote(imageShape)
    }; train again`,
  );
}

/**
 * Returns the parameters of a network with the trained values of a run.
 *
 * @param run the run
 * @param build builds the network
 * @param width number of pixels of an image
 * @throws InputError if the run's tensors do not match the network
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

/** Refuses widths above the sizes of all tensors, before a network of such widths takes memory. */
function refuseWiderThanTensors({ path, config: { sizes, code }, tensors }: TrainedRun, width: number): void {
  const widest = tensors.reduce((most, { shape }) => shape.reduce((a, b) => Math.max(a, b), most), 0);
  const inner: unknown[] = Array.isArray(sizes) ? sizes.slice(1, -1) : []; // the first depends on the images
  const last: unknown = code ?? (Array.isArray(sizes) ? sizes.at(-1) : undefined);
  const wrong = [width, ...inner, last].find((asked) => Number(asked) > widest);
  if (wrong === undefined) return;
  throw new InputError(
    `Cannot load "${path}": expected no width above ${widest}, the largest in model.safetensors, but found ` +
      `${wrong}; train again`,
  );
}
