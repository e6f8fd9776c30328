/**
 * Squared error.
 * @module
 */
import code from "../../shaders/losses/squared_error.wgsl" with { type: "text" };
import { type GradientWrite, type Graph, LOSS_CHUNKS, type LossTerm, REDUCTIONS } from "../graph/graph.ts";
import { type LossOptions, lossTerm } from "../graph/pair_loss.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/losses/squared_error.wgsl", code };

/**
 * L = s·Σ (prediction − target)², s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`. Gradients
 * flow into both inputs if needed. See the shader for forward and backward formulas.
 *
 * ```ts
 * import { Graph, squaredError } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const loss = squaredError(graph, x, graph.input("target", 3), { label: "loss", reduction: "mean" });
 * ```
 *
 * @param prediction [B, width]
 * @param target [B, width]
 * @throws TypeError if the widths differ
 */
export function squaredError(
  graph: Graph,
  prediction: Value,
  target: Value,
  options: LossOptions,
): LossTerm {
  const term = lossTerm(graph, { name: "squared error", second: "a target" }, [prediction, target], options);
  const { label, reduction, weight, partial } = term;

  function dispatch(from: Value, to: Value, into: GradientWrite | undefined): Dispatch {
    return {
      label: into ? `${label} and its gradient to ${from.label}` : label,
      shader: SHADER,
      entryPoint: "squared_error",
      constants: { CHUNKS: LOSS_CHUNKS, HAS_GRADIENT: into ? 1 : 0, ACCUMULATE: into?.accumulate ?? 0 },
      reads: [from.tensor, to.tensor],
      writes: [partial, into && from.gradient],
      settings: {
        u32: {
          width: from.width,
          reduction: REDUCTIONS[reduction],
          activation: ACTIVATIONS[into?.activation ?? "identity"],
        },
        f32: { weight },
      },
      invocations: graph.batchSize * LOSS_CHUNKS,
    };
  }

  graph.add({
    op: "squared error",
    label,
    inputs: [prediction, target],
    parameters: [],
    term,
    attributes: { reduction, weight },
    forward: (_target, request) => request ? [] : [dispatch(prediction, target, undefined)],
    // (y - t)² is symmetric, so the target's gradient is the same dispatch with swapped roles
    backward: (_target, { inputs: [intoPrediction, intoTarget] }) => [
      ...(intoPrediction ? [dispatch(prediction, target, intoPrediction)] : []),
      ...(intoTarget ? [dispatch(target, prediction, intoTarget)] : []),
    ],
  });
  return term;
}
