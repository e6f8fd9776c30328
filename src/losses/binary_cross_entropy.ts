/**
 * Binary cross-entropy of probabilities.
 * @module
 */
import code from "../../shaders/losses/binary_cross_entropy.wgsl" with { type: "text" };
import type { Graph, LossTerm } from "../graph/graph.ts";
import { type LossOptions, type PairLossKernel, recordPairLoss } from "../graph/pair_loss.ts";
import type { Value } from "../graph/tensor.ts";

const KERNEL: PairLossKernel = {
  op: "binary cross-entropy",
  name: "binary cross-entropy",
  second: "a target",
  shader: { path: "shaders/losses/binary_cross_entropy.wgsl", code },
  entryPoint: "binary_cross_entropy",
  suffixes: ["p", "t"],
};

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
  options: LossOptions,
): LossTerm {
  return recordPairLoss(graph, KERNEL, [probabilities, target], options);
}
