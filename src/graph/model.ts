/**
 * The interface of a recipe's network for training, evaluation and gradient checks.
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
  /** Target of the reconstruction, if not the pixels: pixels minus a fixed row. */
  readonly target?: Value | undefined;
  /** Terms of the loss. */
  readonly losses: readonly LossTerm[];
  /** Encoder and decoder values that a matching loss compares, outermost first; absent without one. */
  readonly levels?: readonly { readonly encoded: Value; readonly decoded: Value }[] | undefined;
}

/** Records a network on a graph. */
export type BuildModel = (graph: Graph, parameters: Parameters, pixels: Value) => Model;
