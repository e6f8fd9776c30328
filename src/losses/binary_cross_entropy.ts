/**
 * Binary cross-entropy of probabilities.
 * @module
 */
import code from "../../shaders/losses/binary_cross_entropy.wgsl" with { type: "text" };
import {
  type GradientWrite,
  type Graph,
  LOSS_CHUNKS,
  type LossTerm,
  type Reduction,
  REDUCTIONS,
} from "../graph/graph.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/losses/binary_cross_entropy.wgsl", code };

/** Options of {@link binaryCrossEntropy}. */
export interface BinaryCrossEntropyOptions {
  /** Name in reports. */
  readonly label: string;
  /** `mean` over rows and columns (per element), `sample` (per image), or `sum` (per batch). */
  readonly reduction: Reduction;
  /** Factor in the total loss; 1 if absent. */
  readonly weight?: number;
}

/**
 * L = s·Σ −(T·log P + (1−T)·log(1−P)) in nats, with logarithms clamped to at least −100 as in PyTorch's
 * `BCELoss`. s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`. Gradients flow into both inputs
 * if needed: (P−T)/max(P·(1−P), 1e-12) into P, log(1−P) − log P into T. See the shader for the formulas.
 *
 * Use it for existing activations, such as two hidden layers to be matched. For the network's output, use
 * `binaryCrossEntropyWithLogits`: a float32 sigmoid is 1 for logits above 17, without a gradient.
 *
 * ```ts
 * import { binaryCrossEntropy, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const loss = binaryCrossEntropy(graph, x, graph.input("target", 3), { label: "loss", reduction: "mean" });
 * ```
 *
 * @param probabilities P [B, width], in [0, 1]; other numbers give NaN
 * @param target T [B, width], in [0, 1]
 * @throws TypeError if the widths differ
 */
export function binaryCrossEntropy(
  graph: Graph,
  probabilities: Value,
  target: Value,
  { label, reduction, weight = 1 }: BinaryCrossEntropyOptions,
): LossTerm {
  const { width } = probabilities;
  if (width !== target.width) {
    throw new TypeError(
      `Cannot apply binary cross-entropy "${label}": expected a target [B, ${width}] but received ` +
        `[B, ${target.width}]`,
    );
  }
  const partial = { name: `${label} partial sums`, bytes: 4 * graph.batchSize * LOSS_CHUNKS };
  const term: LossTerm = { label, weight, reduction, partial };

  function dispatch(
    intoProbabilities: GradientWrite | undefined,
    intoTarget: GradientWrite | undefined,
  ): Dispatch {
    const to = [intoProbabilities && probabilities.label, intoTarget && target.label]
      .filter((name) => name !== undefined);
    return {
      label: to.length > 0 ? `${label} and its gradient to ${to.join(" and ")}` : label,
      shader: SHADER,
      entryPoint: "binary_cross_entropy",
      constants: { CHUNKS: LOSS_CHUNKS },
      reads: [probabilities.tensor, target.tensor],
      writes: [partial, intoProbabilities && probabilities.gradient, intoTarget && target.gradient],
      settings: {
        u32: {
          width,
          reduction: REDUCTIONS[reduction],
          into_p: intoProbabilities ? 1 : 0,
          into_t: intoTarget ? 1 : 0,
          activation_p: ACTIVATIONS[intoProbabilities?.activation ?? "identity"],
          activation_t: ACTIVATIONS[intoTarget?.activation ?? "identity"],
          accumulate_p: intoProbabilities?.accumulate ?? 0,
          accumulate_t: intoTarget?.accumulate ?? 0,
        },
        f32: { weight },
      },
      invocations: graph.batchSize * LOSS_CHUNKS,
    };
  }

  graph.add({
    op: "binary cross-entropy",
    label,
    inputs: [probabilities, target],
    parameters: [],
    term,
    attributes: { reduction, weight },
    forward: (_target, request) => request ? [] : [dispatch(undefined, undefined)],
    backward: (_target, { inputs: [intoProbabilities, intoTarget] }) =>
      // WebGPU cannot bind a buffer twice for writing, so equal inputs need two dispatches
      probabilities === target && intoProbabilities && intoTarget
        ? [dispatch(intoProbabilities, undefined), dispatch(undefined, intoTarget)]
        : [dispatch(intoProbabilities, intoTarget)],
  });
  return term;
}
