/**
 * A trained model as functions on arrays.
 * @module
 */
import { openGpuWith } from "../cli/open_gpu.ts";
import { InputError } from "../errors.ts";
import { Forward } from "../evaluate/forward.ts";
import { checkScale, rowOf, type Scale, targetNode } from "../export/network.ts";
import type { Gpu } from "../gpu/device.ts";
import { Graph } from "../graph/graph.ts";
import type { Model } from "../graph/model.ts";
import { nodesFor } from "../graph/parts.ts";
import type { Value } from "../graph/tensor.ts";
import type { Config } from "../recipe/flag_kinds.ts";
import type { Recipe, RecipeFlags } from "../recipe/recipe.ts";
import type { TrainedRun } from "../runs/load_run.ts";
import { type TrainedModel, trainedModel } from "./trained_model.ts";

/** Maximum number of rows that are computed at a time. */
const BATCH = 1000;

/** Functions that are compiled at their first use. */
type Part = "encoder" | "decoder" | "autoencoder";

/**
 * A trained model. Arrays are row-major: [rows, width], or [rows, codeSize] for codes. Rows are in the units of the
 * training data, such as pixels in [0, 1]. Calls may overlap.
 */
export interface LoadedModel extends Disposable {
  /** Name of the recipe. */
  readonly recipe: string;
  /** Number of columns of a row. */
  readonly width: number;
  /** Number of units of a code. */
  readonly codeSize: number;

  /**
   * Computes codes; for `vae` the means, without noise.
   *
   * @param rows [rows, width]
   * @returns [rows, codeSize]
   * @throws RangeError if `rows` is empty or not a whole number of rows
   */
  encode(rows: Float32Array): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Computes rows from codes.
   *
   * @param codes [rows, codeSize]
   * @returns [rows, width]
   * @throws RangeError if `codes` is empty or not a whole number of codes
   * @throws InputError if the network's output needs more than the code
   */
  decode(codes: Float32Array): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Encodes and decodes rows.
   *
   * @param rows [rows, width]
   * @returns [rows, width]
   * @throws RangeError if `rows` is empty or not a whole number of rows
   */
  reconstruct(rows: Float32Array): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Computes the reconstruction error of each row: the squared error, mean over the columns of the network's input.
   * Its mean over the test images is the error that `evaluate` prints.
   *
   * @param rows [rows, width]
   * @returns [rows]
   * @throws RangeError if `rows` is empty or not a whole number of rows
   */
  score(rows: Float32Array): Promise<Float32Array<ArrayBuffer>>;

  /** Frees the GPU. */
  [Symbol.dispose](): void;
}

class GpuModel implements LoadedModel {
  readonly recipe: string;
  readonly width: number;
  readonly codeSize: number;
  readonly #gpu: Gpu;
  readonly #trained: TrainedModel;
  readonly #graph: Graph;
  readonly #pixels: Value;
  readonly #model: Model;
  readonly #targetRow: Float32Array | undefined; // subtracted from the input to get the target
  readonly #parts: Map<Part, Promise<Forward>> = new Map();
  readonly #owned: DisposableStack = new DisposableStack();

  constructor(gpu: Gpu, recipe: string, trained: TrainedModel) {
    const { width, build, parameters, scale } = trained;
    if (scale) checkScale(scale, width);
    this.#owned.use(gpu);
    this.#owned.use(parameters);
    [this.#gpu, this.#trained] = [gpu, trained];
    this.#graph = new Graph(BATCH);
    this.#pixels = this.#graph.input("pixels", width);
    this.#model = build(this.#graph, parameters, this.#pixels);
    const network = {
      name: recipe,
      graph: this.#graph,
      pixels: this.#pixels,
      model: this.#model,
      weights: new Map(),
    };
    const target = targetNode(network);
    this.#targetRow = target && rowOf(target);
    [this.recipe, this.width, this.codeSize] = [recipe, width, this.#model.code.width];
  }

  async encode(rows: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    return await (await this.#part("encoder")).run(this.#toNetwork(rows));
  }

  async decode(codes: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    return this.#toRows(await (await this.#part("decoder")).run(codes));
  }

  async reconstruct(rows: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    return this.#toRows(await (await this.#part("autoencoder")).run(this.#toNetwork(rows)));
  }

  async score(rows: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    const input = this.#toNetwork(rows), { width } = this, row = this.#targetRow;
    const output = await (await this.#part("autoencoder")).run(input);
    return Float32Array.from({ length: input.length / width }, (_, n) => {
      let sum = 0;
      for (let k = 0; k < width; k++) {
        const x = input[n * width + k];
        sum += (output[n * width + k] - (row ? Math.fround(x - row[k]) : x)) ** 2;
      }
      return sum / width;
    });
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  /** Compiles a part at its first use. */
  #part(part: Part): Promise<Forward> {
    const known = this.#parts.get(part);
    if (known) return known;
    const { code, output } = this.#model, isDecoder = part === "decoder";
    const [from, to] = [isDecoder ? code : this.#pixels, part === "encoder" ? code : output];
    if (isDecoder && nodesFor(this.#graph, [output], [code]).some(({ output }) => output === this.#pixels)) {
      throw new InputError(
        `Cannot decode codes of "${this.recipe}": its output depends on the input too; use reconstruct()`,
      );
    }
    const compiled = Forward.between(this.#gpu, this.#trained.parameters, part, this.#graph, from, to)
      .then((forward) => this.#owned.use(forward));
    this.#parts.set(part, compiled);
    return compiled;
  }

  /** Scales rows of data to the network's input. */
  #toNetwork(rows: Float32Array): Float32Array {
    const { width } = this, { scale } = this.#trained;
    if (!scale) return rows;
    const offset = perColumn(scale.offsets, width), divisor = perColumn(scale.divisors, width);
    return rows.map((x, k) => (x - offset[k % width]) / divisor[k % width]);
  }

  /** Turns outputs of the network into rows of data, in place. */
  #toRows(output: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    const { width } = this, { scale } = this.#trained, row = this.#targetRow;
    if (!scale && !row) return output;
    const offset = perColumn(scale?.offsets ?? [0], width),
      divisor = perColumn(scale?.divisors ?? [1], width);
    for (let k = 0; k < output.length; k++) {
      output[k] = (output[k] + (row?.[k % width] ?? 0)) * divisor[k % width] + offset[k % width];
    }
    return output;
  }
}

/** Repeats a single constant for each column. */
function perColumn(constants: readonly number[], width: number): Float64Array {
  return Float64Array.from({ length: width }, (_, k) => constants[constants.length === 1 ? 0 : k]);
}

/**
 * Opens the GPU with a run's kernels, and loads its model.
 *
 * @param config values of the recipe's flags, as trained
 * @throws InputError if there is no GPU, or a file of the run is missing or does not match the recipe
 */
export async function openModel(
  run: TrainedRun,
  recipe: Recipe,
  config: Config<RecipeFlags>,
  { scale }: { readonly scale?: Scale | undefined } = {},
): Promise<LoadedModel> {
  const trained = trainedModel(run, recipe, config, scale);
  const gpu = await openGpuWith(config.kernels, true); // as in training
  try {
    return new GpuModel(gpu, recipe.name, trained);
  } catch (error) {
    gpu.destroy();
    throw error;
  }
}
