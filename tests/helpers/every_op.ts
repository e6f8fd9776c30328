/**
 * A network in which every path of every shader carries something: each op behind each activation, read twice, so that
 * one reader of a value overwrites its gradient and the other adds to it and goes through the activation; each loss in
 * each reduction, with a gradient into both of its sides; weights and biases that are used twice.
 * @module
 */
import { activationOf } from "../../src/elementwise/activation.ts";
import { lossOf } from "../../src/elementwise/loss.ts";
import type { Graph, LossTerm } from "../../src/graph/graph.ts";
import type { Parameters } from "../../src/graph/parameters.ts";
import type { Activation, Value } from "../../src/graph/tensor.ts";
import { activation } from "../../src/layers/activation.ts";
import { add } from "../../src/layers/add.ts";
import { dense } from "../../src/layers/dense.ts";
import { detach } from "../../src/layers/detach.ts";
import { addNoise, parseNoise, standardNormal } from "../../src/layers/noise.ts";
import { reparameterize } from "../../src/layers/reparameterize.ts";
import { subtractRow } from "../../src/layers/subtract_row.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { binaryCrossEntropy } from "../../src/losses/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogits } from "../../src/losses/binary_cross_entropy_with_logits.ts";
import { gaussianKl } from "../../src/losses/gaussian_kl.ts";
import { sparsityKl } from "../../src/losses/sparsity_kl.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { relabel, retile } from "./gpu.ts";

/** Columns of hidden values: no multiple of four. */
const CODE = 5, HIDDEN = 7;
const REDUCTIONS = ["sum", "mean", "sample"] as const;

/** A user's activation with f(0) ≠ 0, which padding must not see. */
const WAVE = activationOf({
  name: "wave",
  forward: "cos(x + 0.5)",
  derivative: "-sin(x + 0.5)",
  reference: { forward: (x) => Math.cos(x + 0.5), derivative: (x) => -Math.sin(x + 0.5) },
});

/** A user's loss with ℓ(0, 0) ≠ 0, and other derivatives by the prediction than by the target. */
const OFFSET = lossOf({
  name: "offset",
  value: "exp(y) * (1.0 + t) + bias",
  byPrediction: "exp(y) * (1.0 + t)",
  byTarget: "exp(y)",
  constants: { bias: 0.5 },
  reference: {
    value: (y, t, { bias }) => Math.exp(y) * (1 + t) + bias,
    byPrediction: (y, t) => Math.exp(y) * (1 + t),
    byTarget: (y) => Math.exp(y),
  },
});

/**
 * Records the network.
 *
 * @param pixels [B, width]
 * @param target [B, width], in [0, 1]
 */
export function everyOp(graph: Graph, parameters: Parameters, pixels: Value, target: Value): LossTerm[] {
  const layer = (of: Graph, label: string, x: Value, outputs: number, activation: Activation) =>
    dense(of, parameters, x, { label, outputs, activation, initializer: "pytorch-linear" });
  const noise = (of: Graph, label: string, x: Value, text: string) =>
    addNoise(of, x, { label, noise: parseNoise(text), seed: 6, stream: label });
  const row = Float32Array.from({ length: CODE }, (_, k) => 0.1 * k - 0.2);
  const h = layer(graph, "h", noise(graph, "noisy", pixels, "uniform:0.8"), HIDDEN, "tanh");

  const losses: LossTerm[] = [];
  for (const [k, f] of (["sigmoid", "tanh", "relu"] as const).entries()) {
    const head = (label: string, outputs = CODE, made: Activation = f) =>
      layer(graph, `${f} ${label}`, h, outputs, made);
    const [below, masked, added, tied] = [head("below"), head("masked"), head("added"), head("tied", HIDDEN)];
    const [mean, logVariance, epsilon] = ["mean", "log-variance", "epsilon"].map((label) => head(label));
    const [left, right, logits, truth, other] = ["left", "right", "logits", "truth", "other truth"]
      .map((label) => head(label));
    const [codeMean, codeLogVariance] = [head("code's mean"), head("code's log-variance")];
    const [bent, given, wanted] = ["bent", "given", "wanted"].map((label) => head(label));
    const active = head("active", 17); // so many that some are on in some rows and off in others
    const probabilities = head("probabilities", CODE, "sigmoid");
    for (const [round, of] of [graph, relabel(graph, " again")].entries()) {
      const label = (op: string) => `${f} ${op}`;
      const under = layer(of, label("under"), below, CODE, "identity");
      const kept = noise(of, label("mask"), masked, "mask:0.25");
      const sum = add(of, added, under, { label: label("sum") });
      const centred = subtractRow(of, sum, { label: label("centred"), row });
      const z = reparameterize(of, mean, logVariance, epsilon, { label: label("z") });
      const normal = standardNormal(of, CODE, { label: label("normal"), seed: 6 });
      const blurred = noise(
        of,
        label("blurred"),
        add(of, z, normal, { label: label("z and noise") }),
        "gaussian:0.3",
      );
      const all = add(of, add(of, kept, centred, { label: label("both") }), blurred, { label: label("all") });
      const shown = activation(of, all, { label: label("shown"), activation: f });
      const options = { weight: "h.weight", activation: f, initializer: "pytorch-linear" } as const;
      const y = tiedDense(of, parameters, tied, { label: label("tied back"), ...options });
      const still = detach(of, left, { label: label("still") });
      const waved = activation(of, bent, { label: label("waved"), activation: WAVE });

      const term = (loss: string, weight: number) => ({
        label: `${label(loss)} ${round}`,
        reduction: REDUCTIONS[(k + round) % REDUCTIONS.length],
        weight,
      });
      losses.push(
        squaredError(of, y, target, term("reconstruction", 0.7)),
        squaredError(of, shown, still, term("of what is shown", 0.6)),
        squaredError(of, left, right, term("between", 0.5)),
        binaryCrossEntropyWithLogits(of, logits, truth, term("from logits", 0.4)),
        binaryCrossEntropy(of, probabilities, other, term("from probabilities", 0.3)),
        gaussianKl(of, codeMean, codeLogVariance, term("Gaussian", 0.2)),
        sparsityKl(of, active, { ...term("sparsity", 0.1), sparsity: 0.3 }),
        squaredError(of, waved, still, term("of what is waved", 0.9)),
        OFFSET(of, given, wanted, term("offset", 0.25)),
      );
      if (round === 0) { // the KL has no gradient where ReLU is 0: another's must be stopped there
        losses.push(squaredError(of, codeMean, codeLogVariance, term("of the code", 0.8)));
      }
    }
  }
  retile(graph, 3, 2); // small tiles compile fast
  return losses;
}
