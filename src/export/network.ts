/**
 * A trained network, as exporters and loaded models take it.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { Model } from "../graph/model.ts";
import type { Value } from "../graph/tensor.ts";

/** Constants that turn a row of data into a row of the network's input: (x − offset) · factor, per column. */
export interface Scale {
  /** Subtracted first, [columns]. */
  readonly offset: Float32Array;
  /** Multiplied then, [columns]; no element is 0. */
  readonly factor: Float32Array;
}

/** A recorded network with its weights. */
export interface TrainedNetwork {
  /** Name of the recipe. */
  readonly name: string;
  readonly graph: Graph;
  /** The graph's input, [B, columns]. */
  readonly pixels: Value;
  readonly model: Model;
  /** Weights and biases by name, in PyTorch's layout. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Scaling of the data; the network takes them unchanged if absent. */
  readonly scale?: Scale | undefined;
}

/**
 * Checks that scaling constants fit a network.
 *
 * @throws RangeError if their lengths differ from `columns`, or a number is not finite, or a factor is 0
 */
export function checkScale({ offset, factor }: Scale, columns: number): void {
  const fits = offset.length === columns && factor.length === columns;
  if (fits && offset.every(Number.isFinite) && factor.every((f) => Number.isFinite(f) && f !== 0)) return;
  throw new RangeError(
    `Cannot scale the input: expected ${columns} finite offsets and nonzero factors but received ` +
      `${offset.length} and ${factor.length} numbers`,
  );
}

/** Constant row of a node that subtracts one, [width]. */
export function rowOf({ constants }: Node): Float32Array<ArrayBuffer> {
  return Float32Array.from(constants?.(0, 1) ?? []);
}

/**
 * Returns the node that computes the target of the reconstruction: the input minus a fixed row. Undefined if the
 * target is the input itself.
 *
 * @throws InputError if the target is computed in another way
 */
export function targetNode({ graph, pixels, model: { target = pixels } }: TrainedNetwork): Node | undefined {
  if (target === pixels) return undefined;
  const node = graph.nodes.find(({ output }) => output === target);
  if (node?.op === "subtract row" && node.inputs[0] === pixels) return node;
  throw new InputError(
    `Cannot use the target "${target.label}": expected the input minus a fixed row but found ${node?.op}; ` +
      "reconstruct the input, or use subtractRow()",
  );
}
