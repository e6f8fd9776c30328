/**
 * Huber loss.
 * @module
 */
import type { Graph, LossTerm } from "../graph/graph.ts";
import type { Value } from "../graph/tensor.ts";
import { checkPositive } from "./expressions.ts";
import type { LossOptions } from "../graph/pair_loss.ts";
import { lossOf } from "./loss.ts";

/** Options of {@link huber}. */
export interface HuberOptions extends LossOptions {
  /** Largest |prediction − target| with a quadratic loss, above 0; 1 if absent. */
  readonly delta?: number;
}

/**
 * L = s·Σ ℓ(d), d = prediction − target: ℓ = d²/2 for |d| ≤ delta, else delta·(|d| − delta/2). s = 1 for
 * `sum`, 1/(rows·width) for `mean`, 1/rows for `sample`. Gradients flow into both inputs if needed; they are
 * continuous and at most ±s·delta. PyTorch: `nn.HuberLoss(reduction="mean", delta=1.0)`.
 *
 * Source: Huber, Robust Estimation of a Location Parameter (1964); Hastie, Tibshirani and Friedman, The
 * Elements of Statistical Learning (2009), eq. 10.23 (with twice the value).
 *
 * ```ts
 * import { Graph, huber } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const loss = huber(graph, x, graph.input("target", 3), { label: "loss", reduction: "mean", delta: 0.5 });
 * ```
 *
 * @param prediction [B, width]
 * @param target [B, width]
 * @throws TypeError if the widths differ
 * @throws InputError if delta is not above 0, or out of float32's range
 */
export function huber(
  graph: Graph,
  prediction: Value,
  target: Value,
  { delta = 1, ...options }: HuberOptions,
): LossTerm {
  checkPositive("Huber loss", "delta", delta);
  const loss = lossOf({
    name: "Huber loss",
    value: "huber_value(y - t)",
    byPrediction: "huber_slope(y - t)",
    byTarget: "-huber_slope(y - t)",
    constants: { delta },
    functions: `
fn huber_value(d: f32) -> f32 { return select(0.5 * d * d, delta * (abs(d) - 0.5 * delta), abs(d) > delta); }
fn huber_slope(d: f32) -> f32 { return select(select(d, delta, d > delta), -delta, d < -delta); } // clamp() drops NaN`,
    reference: {
      value: (y, t, { delta }) => huberValue(y - t, delta),
      byPrediction: (y, t, { delta }) => huberSlope(y - t, delta),
      byTarget: (y, t, { delta }) => -huberSlope(y - t, delta),
    },
  });
  return loss(graph, prediction, target, options);
}

const huberValue = (d: number, delta: number) =>
  Math.abs(d) <= delta ? d * d / 2 : delta * (Math.abs(d) - delta / 2);

const huberSlope = (d: number, delta: number) => Math.max(-delta, Math.min(delta, d));
