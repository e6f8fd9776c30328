/**
 * A trained model as functions on arrays.
 * @module
 */
import { openGpuWith } from "../cli/open_gpu.ts";
import { applyScaling, clampToUnit, countOutside, unscale } from "../data/scaling.ts";
import { InputError, quote } from "../errors.ts";
import { Forward } from "../evaluate/forward.ts";
import { checkScale, rowOf, targetNode } from "../export/network.ts";
import type { Gpu } from "../gpu/device.ts";
import { Graph, type Node } from "../graph/graph.ts";
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
  /** Number of columns of each layer, by its name in the graph. */
  readonly layers: ReadonlyMap<string, number>;
  /** True if values beyond the training rows' range are clamped for the network, whose cross-entropy needs them so. */
  readonly clamps: boolean;

  /**
   * Counts rows with a value beyond the range of the training rows. Squared-error networks take them as they are,
   * others clamped: see {@link clamps}.
   *
   * @param rows [rows, width]
   * @returns number of rows; 0 if the range is not known, as with `--scale standard`
   */
  countBeyond(rows: DataRows): number;

  /**
   * Computes codes; for `vae` the means, without noise.
   *
   * @param rows [rows, width]
   * @returns [rows, codeSize]
   * @throws RangeError if `rows` is empty or not a whole number of rows
   */
  encode(rows: DataRows): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Computes the standard deviations of a variational model's codes.
   *
   * @param rows [rows, width]
   * @returns [rows, codeSize]
   * @throws InputError if the model is not variational
   */
  deviation(rows: DataRows): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Computes the activations of a layer.
   *
   * @param rows [rows, width]
   * @param layer name of the layer, one of {@link layers}
   * @returns [rows, layer's columns]
   * @throws InputError if there is no such layer
   */
  activations(rows: DataRows, layer: string): Promise<Float32Array<ArrayBuffer>>;

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
   * Computes the reconstruction error of each row: the squared error, mean over the columns of the scaled row. What
   * was clamped for the network counts too. Its mean over the test images is the error that `evaluate` prints, unless
   * some were clamped.
   *
   * @param rows [rows, width]
   * @returns [rows]
   * @throws RangeError if `rows` is empty or not a whole number of rows
   */
  score(rows: DataRows): Promise<Float32Array<ArrayBuffer>>;

  /**
   * Scales rows as for the network's input, such as to draw them as images. Nothing is clamped.
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
  readonly layers: ReadonlyMap<string, number>;
  readonly clamps: boolean;
  readonly #gpu: Gpu;
  readonly #trained: TrainedModel;
  readonly #graph: Graph;
  readonly #pixels: Value;
  readonly #model: Model;
  readonly #targetRow: Float32Array | undefined; // subtracted from the input to get the target
  readonly #compiled: Map<Value, Promise<Forward>> = new Map(); // by output, of the input
  #decoder: Promise<Forward> | undefined;
  readonly #owned: DisposableStack = new DisposableStack();

  constructor(gpu: Gpu, recipe: string, trained: TrainedModel) {
    const { width, build, parameters, scaling, range: { clamps } } = trained;
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
    this.layers = new Map(this.#nodes().map(({ label, output }) => [label, output!.width]));
    [this.recipe, this.width, this.codeSize] = [recipe, width, this.#model.code.width];
    this.clamps = clamps;
  }

  /** Nodes between the input and the outputs. */
  #nodes(): Node[] {
    const { code, output } = this.#model;
    return nodesFor(this.#graph, [code, output], [this.#pixels]);
  }

  countBeyond(rows: DataRows): number {
    const { width } = this;
    if (!this.#trained.range.isUnit) return 0;
    let count = 0;
    for (let first = 0; first < rows.length; first += BATCH * width) { // a copy of some rows at a time
      count += countOutside(this.scaled(rows.subarray(first, first + BATCH * width)), width);
    }
    return count;
  }

  async encode(rows: DataRows): Promise<Float32Array<ArrayBuffer>> {
    return await this.#compute(rows, this.#model.code);
  }

  async deviation(rows: DataRows): Promise<Float32Array<ArrayBuffer>> {
    const { code } = this.#model;
    const divergence = this.#graph.nodes.find(({ op, inputs: [mean] }) =>
      op === "Gaussian KL" && mean === code
    );
    if (!divergence) {
      throw new InputError(
        `Cannot compute deviations with "${this.recipe}": expected a variational model, such as vae's`,
      );
    }
    const logVariances = await this.#compute(rows, divergence.inputs[1]);
    return logVariances.map((logVariance) => Math.exp(logVariance / 2));
  }

  async activations(rows: DataRows, layer: string): Promise<Float32Array<ArrayBuffer>> {
    const node = this.#nodes().find(({ label }) => label === layer);
    if (node?.output) return await this.#compute(rows, node.output);
    throw new InputError(
      `Cannot compute a layer of "${this.recipe}": expected one of ${
        [...this.layers.keys()].join(", ")
      } but received ${quote(layer)}`,
    );
  }

  async decode(codes: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    const { code, output } = this.#model;
    if (nodesFor(this.#graph, [output], [code]).some(({ output }) => output === this.#pixels)) {
      throw new InputError(
        `Cannot decode codes of "${this.recipe}": its output depends on the input too; use reconstruct()`,
      );
    }
    return this.#toRows(await (await (this.#decoder ??= this.#compile(code, output))).run(codes));
  }

  async reconstruct(rows: DataRows): Promise<Float32Array<ArrayBuffer>> {
    return this.#toRows(await this.#compute(rows, this.#model.output));
  }

  async score(rows: DataRows): Promise<Float32Array<ArrayBuffer>> {
    const input = this.scaled(rows), { width } = this, row = this.#targetRow;
    const output = await this.#compute(rows, this.#model.output);
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

  /** Computes a value of the graph; compiles it at its first use. */
  async #compute(rows: DataRows, value: Value): Promise<Float32Array<ArrayBuffer>> {
    const forward = this.#compiled.get(value) ?? this.#compile(this.#pixels, value);
    this.#compiled.set(value, forward);
    const scaled = this.scaled(rows);
    return await (await forward).run(this.clamps ? clampToUnit(scaled) : scaled);
  }

  async #compile(from: Value, to: Value): Promise<Forward> {
    const { parameters } = this.#trained;
    return this.#owned.use(await Forward.between(this.#gpu, parameters, to.label, this.#graph, from, to));
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
    return scaling ? new Float32Array(unscale(output, width, scaling)) : output;
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
