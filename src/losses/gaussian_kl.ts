/**
 * KL divergence of a variational code from the standard normal distribution.
 * @module
 */
import code from "../../shaders/losses/gaussian_kl.wgsl" with { type: "text" };
import {
  type GradientWrite,
  type Graph,
  LOSS_CHUNKS,
  type LossTerm,
  type Reduction,
  REDUCTIONS,
} from "../graph/graph.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/losses/gaussian_kl.wgsl", code };

/** Options of {@link gaussianKl}. */
export interface GaussianKlOptions {
  /** Name in reports. */
  readonly label: string;
  /** `mean` over rows and codes (per code unit), `sample` (per image), or `sum` (per batch). */
  readonly reduction: Reduction;
  /** Factor in the total loss, β; 1 if absent. */
  readonly weight?: number;
}

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
  { label, reduction, weight = 1 }: GaussianKlOptions,
): LossTerm {
  const { width } = mean;
  if (width !== logVariance.width) {
    throw new TypeError(
      `Cannot apply Gaussian KL "${label}": expected log-variances [B, ${width}] but received ` +
        `[B, ${logVariance.width}]`,
    );
  }
  const partial = { name: `${label} partial sums`, bytes: 4 * graph.batchSize * LOSS_CHUNKS };
  const term: LossTerm = { label, weight, reduction, partial };

  function dispatch(
    intoMean: GradientWrite | undefined,
    intoLogVariance: GradientWrite | undefined,
  ): Dispatch {
    const to = [intoMean && mean.label, intoLogVariance && logVariance.label]
      .filter((name) => name !== undefined);
    return {
      label: to.length > 0 ? `${label} and its gradient to ${to.join(" and ")}` : label,
      shader: SHADER,
      entryPoint: "gaussian_kl",
      constants: { CHUNKS: LOSS_CHUNKS },
      reads: [mean.tensor, logVariance.tensor],
      writes: [partial, intoMean && mean.gradient, intoLogVariance && logVariance.gradient],
      settings: {
        u32: {
          width,
          reduction: REDUCTIONS[reduction],
          into_mean: intoMean ? 1 : 0,
          into_log_variance: intoLogVariance ? 1 : 0,
          activation_mean: ACTIVATIONS[intoMean?.activation ?? "identity"],
          activation_log_variance: ACTIVATIONS[intoLogVariance?.activation ?? "identity"],
          accumulate_mean: intoMean?.accumulate ?? 0,
          accumulate_log_variance: intoLogVariance?.accumulate ?? 0,
        },
        f32: { weight },
      },
      invocations: graph.batchSize * LOSS_CHUNKS,
    };
  }

  graph.add({
    op: "Gaussian KL",
    label,
    inputs: [mean, logVariance],
    parameters: [],
    term,
    attributes: { reduction, weight },
    forward: (_target, request) => request ? [] : [dispatch(undefined, undefined)],
    backward: (_target, { inputs: [intoMean, intoLogVariance] }) =>
      // WebGPU cannot bind a buffer twice for writing, so equal inputs need two dispatches
      mean === logVariance && intoMean && intoLogVariance
        ? [dispatch(intoMean, undefined), dispatch(undefined, intoLogVariance)]
        : [dispatch(intoMean, intoLogVariance)],
  });
  return term;
}
