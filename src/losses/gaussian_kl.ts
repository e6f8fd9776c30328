/**
 * KL divergence of a variational code from the standard normal distribution.
 * @module
 */
import code from "../../shaders/losses/gaussian_kl.wgsl" with { type: "text" };
import type { Graph, LossTerm } from "../graph/graph.ts";
import { type LossOptions, type PairLossKernel, recordPairLoss } from "../graph/pair_loss.ts";
import type { Value } from "../graph/tensor.ts";

const KERNEL: PairLossKernel = {
  op: "Gaussian KL",
  name: "Gaussian KL",
  second: "log-variances",
  shader: { path: "shaders/losses/gaussian_kl.wgsl", code },
  entryPoint: "gaussian_kl",
  suffixes: ["mean", "log_variance"],
};

/**
 * L = −½·s·Σ (1 + log σ² − μ² − σ²), the divergence in nats of N(μ, σ²) from N(0, 1) for independent code
 * units (Kingma and Welling 2014, appendix B). s = 1 for `sum`, 1/(rows·width) for `mean`, 1/rows for
 * `sample`. The gradients are s·μ into the mean and ½·s·(σ² − 1) into the log-variance.
 *
 * ```ts
 * import { gaussianKl, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const kl = gaussianKl(graph, x, graph.input("log variance", 3), { label: "kl", reduction: "sum", weight: 4 });
 * ```
 *
 * @param mean μ [B, width]
 * @param logVariance log σ² [B, width], not clamped: above 88, σ² and the loss overflow float32
 * @throws TypeError if the widths differ
 */
export function gaussianKl(
  graph: Graph,
  mean: Value,
  logVariance: Value,
  options: LossOptions,
): LossTerm {
  return recordPairLoss(graph, KERNEL, [mean, logVariance], options);
}
