/**
 * Sparsity penalty.
 * @module
 */
import code from "../../shaders/losses/sparsity_kl.wgsl" with { type: "text" };
import meanCode from "../../shaders/losses/mean_activation.wgsl" with { type: "text" };
import { type GradientWrite, type Graph, LOSS_CHUNKS, type LossTerm } from "../graph/graph.ts";
import { ACTIVATIONS, type Dispatch, padded, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/losses/sparsity_kl.wgsl", code };
const MEAN = { path: "shaders/losses/mean_activation.wgsl", code: meanCode };

/** Options of {@link sparsityKl}. */
export interface SparsityKlOptions {
  /** Name in reports. */
  readonly label: string;
  /** ρ, the target mean activation of every hidden unit, in (0, 1); 0.05 is typical. */
  readonly sparsity: number;
  /** Factor in the total loss; 1 if absent. */
  readonly weight?: number;
}

/** A sparsity penalty with the mean activations that it penalizes. */
export interface SparsityTerm extends LossTerm {
  /**
   * ρ̂ of every hidden unit over the rows of the latest batch, [1, width], not clamped. It is not the output
   * of a node and has no gradient. Every step with this loss computes it:
   * `step.read([term.meanActivation], 1)`.
   */
  readonly meanActivation: Value;
}

/** Returns true for a sparsity KL, which is a function of the whole batch and not a sum over its rows. */
export function isSparsityTerm(term: LossTerm): term is SparsityTerm {
  return "meanActivation" in term;
}

/**
 * L = Σ_j KL(ρ ‖ ρ̂_j) in nats, with ρ̂_j the mean of hidden unit j over the rows of the batch (Ng, CS294A
 * lecture notes on sparse autoencoders, section 3). Its `reduction` is `sum`, over units. Each row gets
 * 1/rows of the gradient −ρ/ρ̂_j + (1−ρ)/(1−ρ̂_j). See the shader for the formulas.
 *
 * ρ̂ is clamped to [1e-6, 1 − 1e-6], because a float32 sigmoid reaches 0 and 1 exactly, where the divergence
 * is infinite. Where ρ̂ is clamped, the gradient is 0. Use it for activations in (0, 1), such as a sigmoid's:
 * the means of ReLU may exceed 1 and those of tanh may be negative, where the penalty has no gradient.
 *
 * ```ts
 * import { Graph, sparsityKl } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const penalty = sparsityKl(graph, x, { label: "sparsity", sparsity: 0.05, weight: 1e-3 }); // x in (0, 1)
 * ```
 *
 * @param hidden [B, width], activations in (0, 1)
 * @throws RangeError if `sparsity` is not in (0, 1)
 */
export function sparsityKl(
  graph: Graph,
  hidden: Value,
  { label, sparsity, weight = 1 }: SparsityKlOptions,
): SparsityTerm {
  if (!(sparsity > 0 && sparsity < 1)) {
    throw new RangeError(
      `Cannot apply sparsity KL "${label}": expected a sparsity in (0, 1) but received ${sparsity}`,
    );
  }
  const { width } = hidden;
  const name = `${label} mean activation`;
  const bytes = 4 * padded(width);
  const meanActivation: Value = {
    label: name,
    width,
    activation: "identity",
    tensor: { name, bytes },
    gradient: { name: `d_${name}`, bytes },
  };
  const partial = { name: `${label} partial sums`, bytes: 4 * graph.batchSize * LOSS_CHUNKS };
  const term: SparsityTerm = { label, weight, reduction: "sum", partial, meanActivation };

  const mean: Dispatch = {
    label: name,
    shader: MEAN,
    entryPoint: "mean_activation",
    reads: [hidden.tensor],
    writes: [meanActivation.tensor],
    settings: { u32: { width } },
    invocations: padded(width) / 4,
  };
  function dispatch(into: GradientWrite | undefined): Dispatch {
    return {
      label: into ? `${label} and its gradient to ${hidden.label}` : label,
      shader: SHADER,
      entryPoint: "sparsity_kl",
      constants: { CHUNKS: LOSS_CHUNKS, HAS_GRADIENT: into ? 1 : 0, ACCUMULATE: into?.accumulate ?? 0 },
      reads: [hidden.tensor, meanActivation.tensor],
      writes: [partial, into && hidden.gradient],
      settings: {
        u32: { width, activation: ACTIVATIONS[into?.activation ?? "identity"] },
        f32: { sparsity, rest: 1 - sparsity, weight },
      },
      invocations: graph.batchSize * LOSS_CHUNKS,
    };
  }

  graph.add({
    op: "sparsity KL",
    label,
    inputs: [hidden],
    parameters: [],
    term,
    attributes: { sparsity, weight },
    forward: (_target, request) => request ? [mean] : [mean, dispatch(undefined)],
    backward: (_target, { inputs: [into] }) => [dispatch(into)],
  });
  return term;
}
