/**
 * Binary cross-entropy of logits.
 * @module
 */
import code from "../../shaders/losses/binary_cross_entropy_with_logits.wgsl" with { type: "text" };
import {
  type GradientWrite,
  type Graph,
  LOSS_CHUNKS,
  type LossTerm,
  type Reduction,
  REDUCTIONS,
} from "../graph/graph.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/losses/binary_cross_entropy_with_logits.wgsl", code };

/** Options of {@link binaryCrossEntropyWithLogits}. */
export interface BinaryCrossEntropyWithLogitsOptions {
  /** Name in reports. */
  readonly label: string;
  /** `mean` over rows and columns (per pixel), `sample` (per image), or `sum` (per batch). */
  readonly reduction: Reduction;
  /** Factor in the total loss; 1 if absent. */
  readonly weight?: number;
}

/**
 * L = s·Σ −(T·log σ(Z) + (1−T)·log(1−σ(Z))) in nats, computed from the logits Z without overflow or clamping
 * as max(Z,0) − Z·T + log(1 + e^−|Z|). s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`. The
 * same as PyTorch's `binary_cross_entropy_with_logits`. See the shader for forward and backward formulas.
 *
 * ```ts
 * import { binaryCrossEntropyWithLogits, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const loss = binaryCrossEntropyWithLogits(graph, x, graph.input("target", 3), {
 *   label: "reconstruction", reduction: "sum",
 * }); // nats, summed over pixels and batch
 * ```
 *
 * @param logits [B, width], any real numbers: the pre-activations of a sigmoid output
 * @param target [B, width], in [0, 1]; its gradient is −Z, if needed
 * @throws TypeError if the widths differ
 */
export function binaryCrossEntropyWithLogits(
  graph: Graph,
  logits: Value,
  target: Value,
  { label, reduction, weight = 1 }: BinaryCrossEntropyWithLogitsOptions,
): LossTerm {
  const { width } = logits;
  if (width !== target.width) {
    throw new TypeError(
      `Cannot apply binary cross-entropy "${label}": expected a target [B, ${width}] but received ` +
        `[B, ${target.width}]`,
    );
  }
  const partial = { name: `${label} partial sums`, bytes: 4 * graph.batchSize * LOSS_CHUNKS };
  const term: LossTerm = { label, weight, reduction, partial };

  function dispatch(intoLogits: GradientWrite | undefined, intoTarget: GradientWrite | undefined): Dispatch {
    const to = [intoLogits && logits.label, intoTarget && target.label].filter((name) => name !== undefined);
    return {
      label: to.length > 0 ? `${label} and its gradient to ${to.join(" and ")}` : label,
      shader: SHADER,
      entryPoint: "binary_cross_entropy_with_logits",
      constants: { CHUNKS: LOSS_CHUNKS },
      reads: [logits.tensor, target.tensor],
      writes: [partial, intoLogits && logits.gradient, intoTarget && target.gradient],
      settings: {
        u32: {
          width,
          reduction: REDUCTIONS[reduction],
          into_z: intoLogits ? 1 : 0,
          into_t: intoTarget ? 1 : 0,
          activation_z: ACTIVATIONS[intoLogits?.activation ?? "identity"],
          activation_t: ACTIVATIONS[intoTarget?.activation ?? "identity"],
          accumulate_z: intoLogits?.accumulate ?? 0,
          accumulate_t: intoTarget?.accumulate ?? 0,
        },
        f32: { weight },
      },
      invocations: graph.batchSize * LOSS_CHUNKS,
    };
  }

  graph.add({
    op: "binary cross-entropy with logits",
    label,
    inputs: [logits, target],
    parameters: [],
    term,
    attributes: { reduction, weight },
    forward: (_target, request) => request ? [] : [dispatch(undefined, undefined)],
    backward: (_target, { inputs: [intoLogits, intoTarget] }) =>
      // WebGPU cannot bind a buffer twice for writing, so equal inputs need two dispatches
      logits === target && intoLogits && intoTarget
        ? [dispatch(intoLogits, undefined), dispatch(undefined, intoTarget)]
        : [dispatch(intoLogits, intoTarget)],
  });
  return term;
}
