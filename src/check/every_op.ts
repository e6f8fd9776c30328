/**
 * The built-in network of the gradient check, which exercises every path of every shader: each op after each
 * activation, read twice, so that one reader overwrites the gradient and the other accumulates into it; each
 * loss with each reduction and gradients to both inputs; weights and biases used twice; widths that are not
 * multiples of four.
 * @module
 */
import { activationOf, type ElementwiseActivation } from "../elementwise/activation.ts";
import { type ElementwiseLoss, lossOf } from "../elementwise/loss.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Graph, LossTerm } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Activation, Value } from "../graph/tensor.ts";
import { activation } from "../layers/activation.ts";
import { add } from "../layers/add.ts";
import { dense } from "../layers/dense.ts";
import { detach } from "../layers/detach.ts";
import { addNoise, parseNoise, standardNormal } from "../layers/noise.ts";
import { reparameterize } from "../layers/reparameterize.ts";
import { subtractRow } from "../layers/subtract_row.ts";
import { tiedDense } from "../layers/tied_dense.ts";
import { binaryCrossEntropy } from "../losses/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogits } from "../losses/binary_cross_entropy_with_logits.ts";
import { gaussianKl } from "../losses/gaussian_kl.ts";
import { sparsityKl } from "../losses/sparsity_kl.ts";
import { squaredError } from "../losses/squared_error.ts";
import { adam } from "../optim/adam.ts";
import { gradcheck, type GradcheckOptions, type GradcheckReport } from "./gradcheck.ts";

/** Widths of hidden values, not multiples of four. */
const CODE = 5, HIDDEN = 7;
const REDUCTIONS = ["sum", "mean", "sample"] as const;

/** Activations that product kernels compute themselves; each has its own part of the network. */
export const KERNEL_ACTIVATIONS = ["sigmoid", "tanh", "relu"] as const;
export type KernelActivation = (typeof KERNEL_ACTIVATIONS)[number];

/**
 * A custom activation with f(0) ≠ 0, which must not be applied to padding. WGSL lets sin and cos be off by 2⁻¹¹, so that
 * it has neither.
 */
export const BELL: ElementwiseActivation = activationOf({
  name: "bell",
  forward: "bell(x)",
  derivative: "-2.0 * (x + 0.5) * bell(x) * bell(x)",
  functions: "fn bell(x: f32) -> f32 { return 1.0 / (1.0 + (x + 0.5) * (x + 0.5)); }",
  reference: {
    forward: (x) => 1 / (1 + (x + 0.5) ** 2),
    derivative: (x) => -2 * (x + 0.5) / (1 + (x + 0.5) ** 2) ** 2,
  },
});

/** A custom loss with ℓ(0, 0) ≠ 0 and different derivatives by prediction and by target. */
export const OFFSET: ElementwiseLoss = lossOf({
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
 * Adds the network to a graph.
 *
 * @param pixels [B, width]
 * @param target [B, width], in [0, 1]
 * @param activations a part of the network for each; all that have kernels of their own unless said
 */
export function everyOp(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  target: Value,
  activations: readonly KernelActivation[] = KERNEL_ACTIVATIONS,
): LossTerm[] {
  const layer = (label: string, x: Value, outputs: number, activation: Activation, name = label) =>
    dense(graph, parameters, x, { label, name, outputs, activation, initializer: "pytorch-linear" });
  const noise = (label: string, x: Value, text: string) =>
    addNoise(graph, x, { label, noise: parseNoise(text), seed: 6, stream: label });
  const row = Float32Array.from({ length: CODE }, (_, k) => 0.1 * k - 0.2);
  const h = layer("h", noise("noisy", pixels, "uniform:0.8"), HIDDEN, "tanh");

  const losses: LossTerm[] = [];
  for (const f of activations) {
    const k = KERNEL_ACTIVATIONS.indexOf(f);
    const head = (label: string, outputs = CODE, made: Activation = f) =>
      layer(`${f} ${label}`, h, outputs, made);
    const [below, masked, added, tied] = [head("below"), head("masked"), head("added"), head("tied", HIDDEN)];
    const [mean, logVariance, epsilon] = ["mean", "log-variance", "epsilon"].map((label) => head(label));
    const [left, right, logits, truth, other] = ["left", "right", "logits", "truth", "other truth"]
      .map((label) => head(label));
    const [bent, given, wanted] = ["bent", "given", "wanted"].map((label) => head(label));
    const [codeMean, codeLogVariance] = [head("code's mean"), head("code's log-variance")];
    const active = head("active", 17); // enough that some are active in some rows only
    const probabilities = head("probabilities", CODE, "sigmoid");
    for (const round of [0, 1]) {
      const label = (op: string) => `${f} ${op}${round === 0 ? "" : " again"}`;
      const under = layer(label("under"), below, CODE, "identity", `${f} under`);
      const kept = noise(label("mask"), masked, "mask:0.25");
      const sum = add(graph, added, under, { label: label("sum") });
      const centered = subtractRow(graph, sum, { label: label("centered"), row });
      const z = reparameterize(graph, mean, logVariance, epsilon, { label: label("z") });
      const normal = standardNormal(graph, CODE, { label: label("normal"), seed: 6 });
      const blurred = noise(
        label("blurred"),
        add(graph, z, normal, { label: label("z and noise") }),
        "gaussian:0.3",
      );
      const both = add(graph, kept, centered, { label: label("both") });
      const all = add(graph, both, blurred, { label: label("all") });
      const shown = activation(graph, all, { label: label("shown"), activation: f });
      const y = tiedDense(graph, parameters, tied, {
        label: label("tied back"),
        name: `${f} tied back`,
        weight: "h.weight",
        activation: f,
        initializer: "pytorch-linear",
      });
      const belled = activation(graph, bent, { label: label("bell"), activation: BELL });
      const still = detach(graph, left, { label: label("still") });

      const term = (loss: string, weight: number) => ({
        label: label(loss),
        reduction: REDUCTIONS[(k + round) % REDUCTIONS.length],
        weight,
      });
      losses.push(
        squaredError(graph, y, target, term("reconstruction", 0.7)),
        squaredError(graph, shown, still, term("of what is shown", 0.6)),
        squaredError(graph, left, right, term("between", 0.5)),
        binaryCrossEntropyWithLogits(graph, logits, truth, term("from logits", 0.4)),
        binaryCrossEntropy(graph, probabilities, other, term("from probabilities", 0.3)),
        squaredError(graph, belled, still, term("of the bell", 0.9)),
        OFFSET(graph, given, wanted, term("offset", 0.25)),
        gaussianKl(graph, codeMean, codeLogVariance, term("Gaussian", 0.2)),
        sparsityKl(graph, active, { ...term("sparsity", 0.1), sparsity: 0.3 }),
      );
      if (round === 0) { // the KL has no gradient where ReLU is 0; that of another loss must stop there
        losses.push(squaredError(graph, codeMean, codeLogVariance, term("of the code", 0.8)));
      }
    }
  }
  return losses;
}

/** Width of the images of the built-in network. */
const WIDTH = 17;

/**
 * Checks all kernels, as this GPU compiles them, on a network that uses each of them in ways that no recipe
 * does. Every gradient is compared with the f64 reference, before and after a few training steps. Tests check
 * the reference itself, so finite differences are not computed.
 *
 * @param rows numbers of rows of the checked batches
 */
export function checkEveryOp(
  gpu: Gpu,
  { rows, seed }: Pick<GradcheckOptions, "rows" | "seed">,
): Promise<GradcheckReport> {
  const build: BuildModel = (graph, parameters, pixels) => ({
    code: pixels,
    output: pixels,
    losses: everyOp(graph, parameters, pixels, pixels),
  });
  const optimizer = adam({ learningRate: 1e-3 });
  return gradcheck(gpu, () => build, {
    widths: [WIDTH],
    rows,
    seed,
    steps: 10,
    optimizer,
    differences: false,
  });
}
