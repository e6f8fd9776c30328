/**
 * A trained network, as exporters and loaded models take it.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { Model } from "../graph/model.ts";
import type { Value } from "../graph/tensor.ts";

/** Constants that turn a row of data into a row of the network's input: (x − offset) / divisor. */
export interface Scale {
  /** Offsets: one for all columns, or one per column. */
  readonly offsets: readonly number[];
  /** Divisors, as many as offsets; none is 0. */
  readonly divisors: readonly number[];
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
  /** True if scaled rows are clamped to [0, 1] for the network; scores are those of the rows as they are. */
  readonly clamps?: boolean;
}

/**
 * Checks that scaling constants fit a network.
 *
 * @throws RangeError if there are neither one nor `columns` of both, or one is not finite, or a divisor is 0
 */
export function checkScale({ offsets, divisors }: Scale, columns: number): void {
  const fits = [1, columns].includes(offsets.length) && divisors.length === offsets.length;
  if (fits && offsets.every(Number.isFinite) && divisors.every((d) => Number.isFinite(d) && d !== 0)) return;
  throw new RangeError(
    `Cannot scale the input: expected 1 or ${columns} finite offsets and as many nonzero divisors but received ` +
      `${offsets.length} and ${divisors.length} numbers`,
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
