/**
 * The graph: nodes recorded once, in order, each with explicit forward and backward dispatches.
 * @module
 */
import type { KernelPreference } from "../gpu/product_kernel.ts";
import type { Parameter } from "./parameters.ts";
import { type Activation, type Dispatch, padded, type Value } from "./tensor.ts";

/** How a gradient is to be written: over what is there or added to it, and back through which activation. */
export interface GradientWrite {
  /** 1 if an earlier writer left something to add to, else 0. */
  readonly accumulate: 0 | 1;
  /** The activation to go back through: the value's own for the last writer, identity for the others. */
  readonly activation: Activation;
}

/** What a node is asked for on the way back; entries are undefined where no gradient is needed. */
export interface BackwardRequest {
  /** One entry for each of the node's inputs. */
  readonly inputs: readonly (GradientWrite | undefined)[];
  /** One entry for each of the node's parameters: 1 to add, 0 to overwrite. */
  readonly parameters: readonly (0 | 1 | undefined)[];
}

/** What the kernels are chosen by. */
export interface DeviceTraits {
  /** Whether the adapter computes on the CPU. */
  readonly isSoftware: boolean;
  /** Whether it reads textures faster than buffers. */
  readonly prefersTextures: boolean;
  /** Which kernels of products its user asked for. */
  readonly kernels: KernelPreference;
}

/** What the f64 reference knows of an elementwise op Y = f(X): the function and its derivative, as plain numbers. */
export interface ElementwiseReference {
  /** The function's name in errors. */
  readonly name: string;
  /** f(x). */
  forward(x: number): number;
  /** f'(x); at a kink either side's. */
  derivative(x: number): number;
  /** Where f' jumps, in ascending order; empty for a smooth function. */
  readonly kinks: readonly number[];
  /** Records it in another graph, where a check looks at it alone. */
  record(graph: Graph, x: Value, label: string): Value;
}

/** What the f64 reference knows of an elementwise loss, a sum of ℓ(prediction, target) over elements. */
export interface ElementwiseLossReference {
  /** The function's name in errors. */
  readonly name: string;
  /** ℓ(prediction, target). */
  value(prediction: number, traits: number): number;
  /** ∂ℓ/∂prediction. */
  byPrediction(prediction: number, traits: number): number;
  /** ∂ℓ/∂target; absent where the target may not need a gradient. */
  byTarget?(prediction: number, traits: number): number;
  /** Values of prediction − target at which a derivative jumps, in ascending order; empty for a smooth loss. */
  readonly kinks: readonly number[];
  /** Records its sum in another graph, where a check looks at it alone. */
  record(graph: Graph, prediction: Value, traits: Value, label: string): LossTerm;
}

/** How the f64 reference computes an op that brings its own, as one in a user's script does. Arrays have no padding. */
export interface NodeReference {
  /** The output [rows, width], from the inputs [rows, width] and the parameters in PyTorch's layout. */
  forward(
    inputs: readonly Float64Array[],
    parameters: readonly Float64Array[],
    rows: number,
  ): Float64Array;
  /** The gradients of inputs and parameters, from that of the output. */
  backward(
    inputs: readonly Float64Array[],
    parameters: readonly Float64Array[],
    output: Float64Array,
    dOutput: Float64Array,
    rows: number,
  ): { readonly inputs: readonly Float64Array[]; readonly parameters: readonly Float64Array[] };
}

/** One op in the graph. */
export interface Node {
  /** Which op, such as `dense`: the reference finds its specification by it. */
  readonly op: string;
  /** Its name, unique in the graph. */
  readonly label: string;
  /** The values it reads and can send a gradient to. */
  readonly inputs: readonly Value[];
  /** The parameters it reads. */
  readonly parameters: readonly Parameter[];
  /** The value it makes; absent for a loss. */
  readonly output?: Value;
  /** The loss term it is, if it is one. */
  readonly term?: LossTerm;
  /** What the reference must know besides shapes. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** How the reference computes it; absent for ops that are specified in `src/check/reference_graph.ts`. */
  readonly reference?: NodeReference;
  /** The reference of an `elementwise` op, which carries its own. */
  readonly elementwise?: ElementwiseReference;
  /** The reference of an `elementwise loss`, which carries its own. */
  readonly elementwiseLoss?: ElementwiseLossReference;
  /** Whether no gradient passes it: its inputs get none, and nobody needs its output's. False if absent. */
  readonly stopsGradient?: boolean;
  /**
   * Numbers that it has from elsewhere than its inputs and parameters, computed on the CPU for the reference: the
   * noise of a draw [rows, width], or a fixed row [width].
   */
  constants?(draw: number, rows: number): Float64Array;
  /** Its dispatches on the way forward. `request` is undefined if no gradient passes this node. */
  forward(traits: DeviceTraits, request: BackwardRequest | undefined): readonly Dispatch[];
  /** Its dispatches on the way back. */
  backward(traits: DeviceTraits, request: BackwardRequest): readonly Dispatch[];
}

/** A term of the total loss. */
export interface LossTerm {
  /** Its name in reports. */
  readonly label: string;
  /** Its factor in the total; its reported value is without it. */
  readonly weight: number;
  /** What its sum over rows and columns is divided by. */
  readonly reduction: Reduction;
  /** Partial sums [B, {@link LOSS_CHUNKS}], which a step adds up. */
  readonly partial: { readonly name: string; readonly bytes: number };
}

/**
 * What the sum over the rows and columns of a batch is divided by, and the number that shaders know it by: `sum` by
 * nothing (per batch), `mean` by rows · columns (per pixel), `sample` by rows (per image, as papers print losses;
 * PyTorch's `batchmean`). docs/reductions.md has every loss with its units.
 */
export const REDUCTIONS = { sum: 0, mean: 1, sample: 2 } as const;

/** The name of a reduction: see {@link REDUCTIONS}. */
export type Reduction = keyof typeof REDUCTIONS;

/** Partial sums that a loss leaves for each row. */
export const LOSS_CHUNKS = 8;

/** A recording of ops for batches of up to `batchSize` rows. */
export class Graph {
  /** B: the most rows that a batch may have. */
  readonly batchSize: number;
  /** The ops in the order in which they were recorded. */
  readonly nodes: Node[] = [];
  /** The number of rows that batches are taken from, if they come from a data set on the GPU. */
  rowsAvailable: number = Infinity;

  /**
   * Starts empty.
   *
   * @param batchSize rows of a full batch, an integer of at least 1
   * @throws RangeError for another number
   */
  constructor(batchSize: number) {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(
        `Cannot record a graph: batch size must be a positive integer, received ${batchSize}`,
      );
    }
    this.batchSize = batchSize;
  }

  /**
   * A value for a node to make.
   *
   * @param label its name
   * @param width its columns, an integer of at least 1
   * @param activation the activation that makes it
   * @throws RangeError for another width
   */
  value(label: string, width: number, activation: Activation = "identity"): Value {
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`Cannot record "${label}": width must be a positive integer, received ${width}`);
    }
    const bytes = 4 * this.batchSize * padded(width);
    return {
      label,
      width,
      activation,
      tensor: { name: label, bytes },
      gradient: { name: `d_${label}`, bytes },
    };
  }

  /**
   * Appends a node.
   *
   * @throws TypeError if its label is taken
   */
  add(node: Node): void {
    if (this.nodes.some(({ label }) => label === node.label)) {
      throw new TypeError(`Cannot record ${node.op} "${node.label}": the graph has a node of that name`);
    }
    this.nodes.push(node);
  }

  /** A value that is written from the CPU before a step. */
  input(label: string, width: number): Value {
    const output = this.value(label, width);
    this.add({
      op: "input",
      label,
      inputs: [],
      parameters: [],
      output,
      attributes: {},
      forward: () => [],
      backward: () => [],
    });
    return output;
  }
}
