/**
 * What a recipe's network offers to whoever trains, evaluates or checks it.
 * @module
 */
import type { Graph, LossTerm } from "./graph.ts";
import type { Parameters } from "./parameters.ts";
import type { Value } from "./tensor.ts";

/** A recorded network. */
export interface Model {
  /** The code, [B, code size]. */
  readonly code: Value;
  /** The reconstruction, [B, pixels], in [0, 1]. */
  readonly output: Value;
  /** The terms of the loss. */
  readonly losses: readonly LossTerm[];
}

/** Records a network on a graph. */
export type BuildModel = (graph: Graph, parameters: Parameters, pixels: Value) => Model;
