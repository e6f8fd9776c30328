/**
 * Losses that users write: a function of a prediction and its target as WGSL expressions, beside its float64 twin,
 * summed over all elements.
 * @module
 */
import code from "../../shaders/losses/elementwise_loss.wgsl" with { type: "text" };
import { InputError } from "../errors.ts";
import {
  type ElementwiseLossReference,
  type GradientWrite,
  type Graph,
  LOSS_CHUNKS,
  type LossTerm,
  type Reduction,
  REDUCTIONS,
} from "../graph/graph.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";
import { type Constants, type DeclarationKind, declare } from "./expressions.ts";

/** A loss as a user writes it. */
export interface LossDeclaration<C extends Constants> {
  /** Its name in errors: up to 40 characters, without quotes. */
  readonly name: string;
  /** ℓ(y, t) of one element: a WGSL expression in `y`, the prediction, and `t`, its target, both f32, of type f32. */
  readonly value: string;
  /** ∂ℓ/∂y: a WGSL expression in `y` and `t`. At a kink, either side's. */
  readonly byPrediction: string;
  /** ∂ℓ/∂t, likewise; may be absent where no target needs a gradient, as pixels do not. */
  readonly byTarget?: string;
  /** Numbers that the expressions and `functions` use by name. They are rounded to float32. */
  readonly constants?: C;
  /** WGSL functions that the expressions call. */
  readonly functions?: string;
  /** The same in float64, written from the formula; all are given the rounded constants. */
  readonly reference: {
    /** ℓ(y, t). */
    value(y: number, t: number, constants: C): number;
    /** ∂ℓ/∂y. */
    byPrediction(y: number, t: number, constants: C): number;
    /** ∂ℓ/∂t; absent if, and only if, the expression is. */
    byTarget?(y: number, t: number, constants: C): number;
  };
  /** Values of y − t at which a derivative jumps; none if absent. gradcheck takes no difference across one. */
  readonly kinks?: readonly number[];
}

/** How the elements are put together. */
export interface ElementwiseLossOptions {
  /** The term's name in reports. */
  readonly label: string;
  /** `mean` over rows and columns (per pixel), `sample` (per image), or `sum` (per batch). */
  readonly reduction: Reduction;
  /** The term's factor in the total loss; 1 if absent. */
  readonly weight?: number;
}

/** A loss that {@link lossOf} made; it is used as `squaredError` is. */
export type ElementwiseLoss = (
  graph: Graph,
  prediction: Value,
  target: Value,
  options: ElementwiseLossOptions,
) => LossTerm;

const KIND: DeclarationKind = {
  noun: "loss",
  kernel: { path: "shaders/losses/elementwise_loss.wgsl", code },
  parameters: ["y", "t"],
  functions: { value: "loss_value", byPrediction: "loss_by_prediction", byTarget: "loss_by_target" },
  optional: ["byTarget"],
};

/**
 * A loss L = s·Σ ℓ(y, t) from WGSL expressions, with its float64 twin: s = 1 for `sum`,
 * 1/(rows·width) for `mean`, 1/rows for `sample`. Gradients flow into the prediction and, if `byTarget` is there, into
 * the target, where they are needed.
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
 * @throws InputError for a declaration that lacks something, or has a name or number that WGSL cannot have. A term
 *   throws one when a step is compiled in which its target needs a gradient and `byTarget` is absent; and a TypeError
 *   when it is recorded between values of different widths.
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

  const loss: ElementwiseLoss = (graph, prediction, target, { label, reduction, weight = 1 }) => {
    const { width } = prediction;
    if (width !== target.width) {
      throw new TypeError(
        `Cannot apply ${name} "${label}": expected a target [B, ${width}] but received [B, ${target.width}]`,
      );
    }
    const partial = { name: `${label} partial sums`, bytes: 4 * graph.batchSize * LOSS_CHUNKS };
    const term: LossTerm = { label, weight, reduction, partial };

    function dispatch(
      intoPrediction: GradientWrite | undefined,
      intoTarget: GradientWrite | undefined,
    ): Dispatch {
      const to = [intoPrediction && prediction.label, intoTarget && target.label]
        .filter((name) => name !== undefined);
      return {
        label: to.length > 0 ? `${label} and its gradient to ${to.join(" and ")}` : label,
        shader,
        entryPoint: "elementwise_loss",
        constants: { CHUNKS: LOSS_CHUNKS },
        reads: [prediction.tensor, target.tensor],
        writes: [partial, intoPrediction && prediction.gradient, intoTarget && target.gradient],
        settings: {
          u32: {
            width,
            reduction: REDUCTIONS[reduction],
            into_y: intoPrediction ? 1 : 0,
            into_t: intoTarget ? 1 : 0,
            activation_y: ACTIVATIONS[intoPrediction?.activation ?? "identity"],
            activation_t: ACTIVATIONS[intoTarget?.activation ?? "identity"],
            accumulate_y: intoPrediction?.accumulate ?? 0,
            accumulate_t: intoTarget?.accumulate ?? 0,
          },
          f32: { weight },
        },
        invocations: graph.batchSize * LOSS_CHUNKS,
      };
    }

    graph.add({
      op: "elementwise loss",
      label,
      inputs: [prediction, target],
      parameters: [],
      term,
      attributes: { reduction, weight },
      elementwiseLoss: reference,
      forward: (_target, request) => request ? [] : [dispatch(undefined, undefined)],
      backward(_target, { inputs: [intoPrediction, intoTarget] }) {
        if (intoTarget && !hasByTarget) {
          throw new InputError(
            `Cannot compile ${name} "${label}": its target "${target.label}" needs a gradient, and the loss has no ` +
              `derivative by its target; give lossOf() "byTarget" and "reference.byTarget", or detach() the target`,
          );
        }
        // one buffer cannot be bound twice for writing: against itself a value gets its two gradients one by one
        return prediction === target && intoPrediction && intoTarget
          ? [dispatch(intoPrediction, undefined), dispatch(undefined, intoTarget)]
          : [dispatch(intoPrediction, intoTarget)];
      },
    });
    return term;
  };
  return loss;
}
