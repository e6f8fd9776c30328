/**
 * User-defined losses: a function of a prediction and its target as WGSL expressions, with a float64
 * reference, summed over all elements.
 * @module
 */
import code from "../../shaders/losses/elementwise_loss.wgsl" with { type: "text" };
import { InputError } from "../errors.ts";
import type { ElementwiseLossReference, Graph, LossTerm } from "../graph/graph.ts";
import { type LossOptions, type PairLossKernel, recordPairLoss } from "../graph/pair_loss.ts";
import type { Value } from "../graph/tensor.ts";
import { type Constants, type DeclarationKind, declare } from "./expressions.ts";

/** Declaration of a user-defined loss. */
export interface LossDeclaration<C extends Constants> {
  /** Name in errors: up to 40 characters, without quotes. */
  readonly name: string;
  /** ℓ(y, t) of one element: a WGSL expression of type f32 in the prediction `y: f32` and target `t: f32`. */
  readonly value: string;
  /** ∂ℓ/∂y: a WGSL expression in `y` and `t`; at a kink, the derivative of either side. */
  readonly byPrediction: string;
  /** ∂ℓ/∂t, likewise; optional if the target needs no gradient, as with pixels. */
  readonly byTarget?: string;
  /** Named constants for the expressions and `functions`, rounded to float32. */
  readonly constants?: C;
  /** WGSL functions that the expressions call. */
  readonly functions?: string;
  /** Float64 reference, written from the formula; all functions receive the rounded constants. */
  readonly reference: {
    /** ℓ(y, t). */
    value(y: number, t: number, constants: C): number;
    /** ∂ℓ/∂y. */
    byPrediction(y: number, t: number, constants: C): number;
    /** ∂ℓ/∂t; absent if and only if the expression is absent. */
    byTarget?(y: number, t: number, constants: C): number;
  };
  /** Values of y − t at which a derivative jumps; none if absent. gradcheck avoids them. */
  readonly kinks?: readonly number[];
}

/** Result of {@link lossOf}, used like `squaredError`. */
export type ElementwiseLoss = (
  graph: Graph,
  prediction: Value,
  target: Value,
  options: LossOptions,
) => LossTerm;

const KIND: DeclarationKind = {
  noun: "loss",
  kernel: { path: "shaders/losses/elementwise_loss.wgsl", code },
  parameters: ["y", "t"],
  functions: { value: "loss_value", byPrediction: "loss_by_prediction", byTarget: "loss_by_target" },
  optional: ["byTarget"],
};

/**
 * Creates a loss L = s·Σ ℓ(y, t) from WGSL expressions and a float64 reference: s = 1 for `sum`,
 * 1/(rows·width) for `mean`, 1/rows for `sample`. Gradients flow into the prediction, and with `byTarget`
 * into the target.
 *
 * ```ts
 * import { Graph, lossOf } from "@bottleneck/bottleneck";
 *
 * const absoluteError = lossOf({
 *   name: "absolute error",
 *   value: "abs(y - t)", //           y is the prediction, t its target
 *   byPrediction: "sign(y - t)",
 *   reference: { value: (y, t) => Math.abs(y - t), byPrediction: (y, t) => Math.sign(y - t) },
 *   kinks: [0], //                    of y - t
 * });
 *
 * const graph = new Graph(64);
 * const [output, pixels] = [graph.input("output", 784), graph.input("pixels", 784)];
 * absoluteError(graph, output, pixels, { label: "loss", reduction: "mean" });
 * ```
 *
 * @throws InputError if the declaration is incomplete, or has a name or number that WGSL does not allow. The
 *   loss throws a TypeError if recorded on values of different widths, and compiling a step throws an
 *   InputError if the target needs a gradient but `byTarget` is absent.
 */
export function lossOf<C extends Constants = Record<never, never>>(
  declaration: LossDeclaration<C>,
): ElementwiseLoss {
  const { shader, constants, kinks } = declare(KIND, declaration);
  const { name } = declaration;
  const { value, byPrediction, byTarget } = declaration.reference;
  const hasByTarget = declaration.byTarget !== undefined;
  const reference: ElementwiseLossReference = {
    name,
    value: (y, t) => value(y, t, constants as C),
    byPrediction: (y, t) => byPrediction(y, t, constants as C),
    ...(hasByTarget && byTarget
      ? { byTarget: (y: number, t: number) => byTarget(y, t, constants as C) }
      : {}),
    kinks,
    record: (graph, prediction, target, label) =>
      loss(graph, prediction, target, { label, reduction: "sum" }),
  };

  const kernel: PairLossKernel = {
    op: "elementwise loss",
    name,
    second: "a target",
    shader,
    entryPoint: "elementwise_loss",
    suffixes: ["y", "t"],
    reference,
  };
  const loss: ElementwiseLoss = (graph, prediction, target, options) => {
    const checkSecond = () => {
      if (hasByTarget) return;
      throw new InputError(
        `Cannot compile ${name} "${options.label}": its target "${target.label}" needs a gradient, and the loss ` +
          `has no derivative by its target; give lossOf() "byTarget" and "reference.byTarget", or detach() the target`,
      );
    };
    return recordPairLoss(graph, { ...kernel, checkSecond }, [prediction, target], options);
  };
  return loss;
}
