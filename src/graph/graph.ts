/**
 * The graph: nodes recorded once, in order, each with explicit forward and backward dispatches.
 * @module
 */
import type { KernelPreference } from "../gpu/product_kernel.ts";
import type { Parameter } from "./parameters.ts";
import { type Activation, type Dispatch, padded, type Value } from "./tensor.ts";

/** Mode of writing a gradient: overwriting or accumulating, and the activation to differentiate through. */
export interface GradientWrite {
  /** 1 to add to the gradient of an earlier writer, 0 to overwrite. */
  readonly accumulate: 0 | 1;
  /** The activation to differentiate through: the value's own for the last writer, else identity. */
  readonly activation: Activation;
}

/** Gradients that a node must write in the backward pass; entries are undefined where none is needed. */
export interface BackwardRequest {
  /** One entry for each of the node's inputs. */
  readonly inputs: readonly (GradientWrite | undefined)[];
  /** One entry for each of the node's parameters: 1 to add, 0 to overwrite. */
  readonly parameters: readonly (0 | 1 | undefined)[];
}

/** Properties of a device that decide the choice of kernels. */
export interface DeviceTraits {
  /** True if the adapter computes on the CPU. */
  readonly isSoftware: boolean;
  /** True if shaders read textures faster than buffers. */
  readonly prefersTextures: boolean;
  /** The user's choice of kernels for matrix products. */
  readonly kernels: KernelPreference;
}

/** An elementwise op Y = f(X) for the f64 reference: the function and its derivative on single numbers. */
export interface ElementwiseReference {
  /** The function's name in errors. */
  readonly name: string;
  /** f(x). */
  forward(x: number): number;
  /** f'(x); at a kink, the derivative of either side. */
  derivative(x: number): number;
  /** Values of x at which f' jumps, in ascending order; empty for a smooth function. */
  readonly kinks: readonly number[];
  /** Name and constants of a function of the library, for exporters; absent for a user-defined one. */
  readonly builtIn?: { readonly name: string; readonly constants: Readonly<Record<string, number>> };
  /** Records the op in another graph, where a check tests it alone. */
  record(graph: Graph, x: Value, label: string): Value;
}

/** An elementwise loss, a sum of ℓ(prediction, target) over elements, for the f64 reference. */
export interface ElementwiseLossReference {
  /** The function's name in errors. */
  readonly name: string;
  /** ℓ(prediction, target). */
  value(prediction: number, traits: number): number;
  /** ∂ℓ/∂prediction. */
  byPrediction(prediction: number, traits: number): number;
  /** ∂ℓ/∂target; absent if the loss has no gradient for its target. */
  byTarget?(prediction: number, traits: number): number;
  /** Values of prediction − target at which a derivative jumps, in ascending order; empty for a smooth loss. */
  readonly kinks: readonly number[];
  /** Records the loss in another graph, reduced by `sum`, where a check tests it alone. */
  record(graph: Graph, prediction: Value, traits: Value, label: string): LossTerm;
}

/** The f64 reference of an op defined outside the library, as in a user's script. Arrays have no padding. */
export interface NodeReference {
  /** Computes the output [rows, width] from inputs [rows, width] and parameters in PyTorch's layout. */
  forward(
    inputs: readonly Float64Array[],
    parameters: readonly Float64Array[],
    rows: number,
  ): Float64Array;
  /** Computes the gradients of inputs and parameters from the gradient of the output. */
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
  /** Kind of op, such as `dense`; the f64 reference looks it up by this name. */
  readonly op: string;
  /** Name of the node, unique in the graph. */
  readonly label: string;
  /** Values that the node reads and can pass a gradient to. */
  readonly inputs: readonly Value[];
  /** Parameters that the node reads. */
  readonly parameters: readonly Parameter[];
  /** Value that the node computes; absent for a loss. */
  readonly output?: Value;
  /** Loss term; absent for all nodes but losses. */
  readonly term?: LossTerm;
  /** Settings of the op, besides shapes, that the f64 reference needs. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** The f64 reference of the op; absent for ops specified in `src/check/reference_graph.ts`. */
  readonly reference?: NodeReference;
  /** The f64 reference of an `elementwise` op. */
  readonly elementwise?: ElementwiseReference;
  /** The f64 reference of an `elementwise loss`. */
  readonly elementwiseLoss?: ElementwiseLossReference;
  /** True if no gradient passes the node, neither from its output nor to its inputs. False if absent. */
  readonly stopsGradient?: boolean;
  /**
   * Numbers that come neither from the inputs nor from the parameters, computed on the CPU for the f64
   * reference: the noise of a draw [rows, width], or a fixed row [width].
   */
  constants?(draw: number, rows: number): Float64Array;
  /** Dispatches of the forward pass. `request` is undefined if no gradient passes this node. */
  forward(traits: DeviceTraits, request: BackwardRequest | undefined): readonly Dispatch[];
  /** Dispatches of the backward pass. */
  backward(traits: DeviceTraits, request: BackwardRequest): readonly Dispatch[];
}

/** A term of the total loss. */
export interface LossTerm {
  /** Name in reports. */
  readonly label: string;
  /** Factor in the total loss; reported values exclude it. */
  readonly weight: number;
  /** Divisor of the sum over rows and columns. */
  readonly reduction: Reduction;
  /** Partial sums [B, {@link LOSS_CHUNKS}], which the step adds up. */
  readonly partial: { readonly name: string; readonly bytes: number };
}

/**
 * Divisor of the sum over the rows and columns of a batch, with its number in shaders: `sum` divides by
 * nothing (loss per batch), `mean` by rows · columns (per pixel), `sample` by rows (per image, as in papers;
 * PyTorch's `batchmean`). docs/reductions.md lists every loss with its units.
 */
export const REDUCTIONS = { sum: 0, mean: 1, sample: 2 } as const;

/** Name of a reduction: see {@link REDUCTIONS}. */
export type Reduction = keyof typeof REDUCTIONS;

/** Number of partial sums of a loss per row. */
export const LOSS_CHUNKS = 8;

/** A recording of ops for batches of up to `batchSize` rows. */
export class Graph {
  /** B, the maximum number of rows of a batch. */
  readonly batchSize: number;
  /** Ops in recorded order. */
  readonly nodes: Node[] = [];
  /** Number of rows of the data set on the GPU; Infinity if batches come from elsewhere. */
  rowsAvailable: number = Infinity;

  /**
   * Starts an empty graph.
   *
   * @param batchSize rows of a full batch, an integer of at least 1
   * @throws RangeError if it is not
   */
  constructor(batchSize: number) {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(
        `Cannot record a graph: expected a positive integer batch size but received ${batchSize}`,
      );
    }
    this.batchSize = batchSize;
  }

  /**
   * Creates the output value of a node, [B, width].
   *
   * @param label the value's name
   * @param width the number of columns, an integer of at least 1
   * @param activation the activation that computes it
   * @throws RangeError if the width is not such an integer
   */
  value(label: string, width: number, activation: Activation = "identity"): Value {
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(
        `Cannot record "${label}": expected a positive integer width but received ${width}`,
      );
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
      throw new TypeError(
        `Cannot record ${node.op} "${node.label}": the graph already has a node of that name`,
      );
    }
    this.nodes.push(node);
  }

  /** Records an input [B, width], which `Step.upload` writes from the CPU before a step. */
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
