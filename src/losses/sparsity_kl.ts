/**
 * The sparsity penalty.
 * @module
 */
import code from "../../shaders/losses/sparsity_kl.wgsl" with { type: "text" };
import meanCode from "../../shaders/losses/mean_activation.wgsl" with { type: "text" };
import { type GradientWrite, type Graph, LOSS_CHUNKS, type LossTerm } from "../graph/graph.ts";
import { ACTIVATIONS, type Dispatch, padded, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/losses/sparsity_kl.wgsl", code };
const MEAN = { path: "shaders/losses/mean_activation.wgsl", code: meanCode };

/** What mean activation is wanted, and how much. */
export interface SparsityKlOptions {
  /** The term's name in reports. */
  readonly label: string;
  /** ρ: the mean activation that every hidden unit should have, in (0, 1); 0.05 is usual. */
  readonly sparsity: number;
  /** The term's factor in the total loss; 1 if absent. */
  readonly weight?: number;
}

/** A sparsity penalty, and the means that it is computed from. */
export interface SparsityTerm extends LossTerm {
  /**
   * ρ̂ of every hidden unit over the rows of the latest batch, [1, width], not clamped. No node makes it and it gets
   * no gradient; every step that has the term among its losses computes it: `step.read([term.meanActivation], 1)`.
   */
  readonly meanActivation: Value;
}

/** Whether a term is a sparsity KL: of all rows of a batch together, and no sum over them. */
export function isSparsityTerm(term: LossTerm): term is SparsityTerm {
  return "meanActivation" in term;
}

/**
 * L = Σ_j KL(ρ ‖ ρ̂_j) in nats, ρ̂_j the mean of hidden unit j over the rows of the batch (Ng, CS294A lecture notes on
 * sparse autoencoders, section 3). It is a sum over units and divided by nothing: its `reduction` is `sum`. Each row
 * gets 1/rows of the gradient −ρ/ρ̂_j + (1−ρ)/(1−ρ̂_j). The shader holds the maths.
 *
 * ρ̂ is held to [1e-6, 1 − 1e-6]: a float32 sigmoid reaches 0 and 1 exactly, where the divergence is infinite. Where
 * the clamp holds it, the gradient is 0. So this is for activations in (0, 1), as a sigmoid gives: ReLU's may have
 * means above 1 and tanh's below 0, which nothing would pull back.
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
      `Cannot apply sparsity KL "${label}": sparsity must be in (0, 1), received ${sparsity}`,
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
      constants: { CHUNKS: LOSS_CHUNKS },
      reads: [hidden.tensor, meanActivation.tensor],
      writes: [partial, into && hidden.gradient],
      settings: {
        u32: {
          width,
          has_gradient: into ? 1 : 0,
          activation: ACTIVATIONS[into?.activation ?? "identity"],
          accumulate: into?.accumulate ?? 0,
        },
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
