/**
 * A trained model as functions on arrays.
 * @module
 */
import { openGpuWith } from "../cli/open_gpu.ts";
import { applyScaling, unscale } from "../data/scaling.ts";
import { InputError } from "../errors.ts";
import { Forward } from "../evaluate/forward.ts";
import { checkScale, rowOf, targetNode } from "../export/network.ts";
import type { Gpu } from "../gpu/device.ts";
import { Graph } from "../graph/graph.ts";
import type { Model } from "../graph/model.ts";
import { nodesFor } from "../graph/parts.ts";
import type { Value } from "../graph/tensor.ts";
import type { Config } from "../recipe/flag_kinds.ts";
import type { Recipe, RecipeFlags } from "../recipe/recipe.ts";
import type { TrainedRun } from "../runs/load_run.ts";
import { type TrainedModel, trainedModel } from "./trained_model.ts";

/** Rows of data, row-major, in the units of the training data. */
export type DataRows = Uint8Array | Float32Array | Float64Array;

/** Maximum number of rows that are computed at a time. */
const BATCH = 1000;

/** Functions that are compiled at their first use. */
type Part = "encoder" | "decoder" | "autoencoder";

/**
 * A trained model. Arrays are row-major: [rows, width], or [rows, codeSize] for codes. Rows are in the units of the
 * training data; the run's own scaling is applied. For the catalogue's images they are bytes, or numbers in [0, 1]. Calls
 * may overlap.
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
  encode(rows: DataRows): Promise<Float32Array<ArrayBuffer>>;

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
  reconstruct(rows: DataRows): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Computes the reconstruction error of each row: the squared error, mean over the columns of the network's input.
   * Its mean over the test images is the error that `evaluate` prints.
   *
   * @param rows [rows, width]
   * @returns [rows]
   * @throws RangeError if `rows` is empty or not a whole number of rows
   */
  score(rows: DataRows): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Scales rows to the network's input, such as to draw them as images.
   *
   * @param rows [rows, width]
   * @returns [rows, width]
   */
  scaled(rows: DataRows): Float32Array;

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
    const { width, build, parameters, scaling } = trained;
    if (scaling) checkScale(scaling, width);
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

  async encode(rows: DataRows): Promise<Float32Array<ArrayBuffer>> {
    return await (await this.#part("encoder")).run(this.scaled(rows));
  }

  async decode(codes: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    return this.#toRows(await (await this.#part("decoder")).run(codes));
  }

  async reconstruct(rows: DataRows): Promise<Float32Array<ArrayBuffer>> {
    return this.#toRows(await (await this.#part("autoencoder")).run(this.scaled(rows)));
  }

  async score(rows: DataRows): Promise<Float32Array<ArrayBuffer>> {
    const input = this.scaled(rows), { width } = this, row = this.#targetRow;
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

  scaled(rows: DataRows): Float32Array {
    const { width } = this, { scaling } = this.#trained;
    const scaled = scaling && rows.length % width === 0
      ? applyScaling({ values: rows.slice(), width }, scaling)
      : rows;
    if (scaled instanceof Uint8Array) return Float32Array.from(scaled, (byte) => byte / 255);
    return scaled instanceof Float64Array ? Float32Array.from(scaled) : scaled;
  }

  /** Turns outputs of the network into rows of data. */
  #toRows(output: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    const { width } = this, { scaling } = this.#trained, row = this.#targetRow;
    if (row) { for (let k = 0; k < output.length; k++) output[k] += row[k % width]; }
    return scaling ? Float32Array.from(unscale(output, width, scaling)) : output;
  }
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
): Promise<LoadedModel> {
  const trained = trainedModel(run, recipe, config);
  const gpu = await openGpuWith(config.kernels, true); // as in training
  try {
    return new GpuModel(gpu, recipe.name, trained);
  } catch (error) {
    gpu.destroy();
    throw error;
  }
}
