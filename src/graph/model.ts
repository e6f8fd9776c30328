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
  /** The reconstruction, [B, pixels]. */
  readonly output: Value;
  /** What the output should be, if not the pixels themselves: pixels minus something fixed. */
  readonly target?: Value | undefined;
  /** The terms of the loss. */
  readonly losses: readonly LossTerm[];
  /** Pairs of values that should be equal, from the pixels inwards, if it matches its levels. */
  readonly levels?: readonly { readonly encoded: Value; readonly decoded: Value }[] | undefined;
}

/** Records a network on a graph. */
export type BuildModel = (graph: Graph, parameters: Parameters, pixels: Value) => Model;
