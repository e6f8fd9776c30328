/**
 * Binary cross-entropy of logits.
 * @module
 */
import code from "../../shaders/losses/binary_cross_entropy_with_logits.wgsl" with { type: "text" };
import type { Graph, LossTerm } from "../graph/graph.ts";
import { type LossOptions, type PairLossKernel, recordPairLoss } from "../graph/pair_loss.ts";
import type { Value } from "../graph/tensor.ts";

const KERNEL: PairLossKernel = {
  op: "binary cross-entropy with logits",
  name: "binary cross-entropy",
  second: "a target",
  shader: { path: "shaders/losses/binary_cross_entropy_with_logits.wgsl", code },
  entryPoint: "binary_cross_entropy_with_logits",
  suffixes: ["z", "t"],
};

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
  options: LossOptions,
): LossTerm {
  return recordPairLoss(graph, KERNEL, [logits, target], options);
}
