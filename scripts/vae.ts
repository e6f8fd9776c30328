// The variational autoencoder: 784-400-(20, 20)-400-784, trained on the evidence lower bound.
// Source: pytorch/examples, vae/main.py (sizes, ReLU, Adam 1e-3, batch 128; 15 epochs here);
//         Kingma and Welling 2014, "Auto-encoding variational Bayes", eq. 10 and appendix B.
// Run:    deno task vae    (or deno run --allow-read --allow-write=runs scripts/vae.ts; flags: --help)
// Expect: on MNIST a test total of 104.0 and 105.0 nats per image after 15 epochs (seeds 0 and 1; PyTorch 104.3 to
//         104.6), with all 20 code units active. The loss is a sum, so the learning rate is tuned to this batch size.
import { activation as activate, type ActivationLike, adam, binaryCrossEntropyWithLogits } from "../mod.ts";
import { codeNoise, dense, gaussianKl, type Graph, type Parameters, reparameterize } from "../mod.ts";
import type { Value } from "../mod.ts";
import { activationFlag, adamFlags, codeFlag, number, openTraining, parseRecipe, perImage } from "../mod.ts";
import { type Recipe, recipe, runTraining, sizesFlag, trainingFlags, variationalEvaluation } from "../mod.ts";

type Layer = (k: number, x: Value, outputs: number, activation: ActivationLike) => Value;

/** Returns a function that records layer k = 1, 2, …, numbered across encoder and decoder as in the example. */
function layersOf(graph: Graph, parameters: Parameters, bias: boolean): Layer {
  const initializer = "pytorch-linear";
  return (k, x, outputs, activation) =>
    dense(graph, parameters, x, { label: `fc${k}`, outputs, activation, initializer, bias });
}

/** Records the decoder, from codes to logits. */
function decode(layer: Layer, sizes: readonly number[], activation: ActivationLike, z: Value): Value {
  let x = z; //                                                   [B, 20]
  for (let k = sizes.length - 2; k >= 0; k--) { //                → [B, 400] → [B, 784]
    x = layer(2 * sizes.length - 1 - k, x, sizes[k], k > 0 ? activation : "identity");
  }
  return x;
}

export const vae: Recipe = recipe({
  name: "vae",
  description: "Trains the variational autoencoder.",
  flags: {
    ...trainingFlags({ epochs: 15, batchSize: 128, learningRate: 1e-3 }),
    ...adamFlags(),
    sizes: sizesFlag([784, 400, 20]), // from pixels to code; the decoder mirrors them
    activation: activationFlag("relu", "hidden layers"),
    code: codeFlag(),
    beta: number(1, "weight of the KL term in the loss", { min: 0, max: 1e6 }),
  },
  architecture: {
    bias: true,
    reduction: "sum", // of both terms: over pixels or code units, and batch
  },
  network({ sizes, activation, bias, reduction, beta }, context) {
    const { graph, parameters, pixels } = context, last = sizes.length - 1, code = sizes[last];
    const layer = layersOf(graph, parameters, bias);
    let x = pixels; //                                            [B, 784]
    for (let k = 1; k < last; k++) x = layer(k, x, sizes[k], activation); //    → [B, 400]
    const mean = layer(last, x, code, "identity"); //             [B, 400] → [B, 20]
    const logVariance = layer(last + 1, x, code, "identity"); //  [B, 400] → [B, 20]
    const noise = codeNoise(context, code); //                    without noise the code is the mean
    const z = noise ? reparameterize(graph, mean, logVariance, noise, { label: "z" }) : mean;
    const logits = decode(layer, sizes, activation, z); //        [B, 20] → [B, 400] → [B, 784]
    const output = activate(graph, logits, { label: "output", activation: "sigmoid" });
    const losses = [
      binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "reconstruction", reduction }),
      gaussianKl(graph, mean, logVariance, { label: "kl", reduction, weight: beta }),
    ];
    return { code: mean, output, losses };
  },
  optimizer: adam,
  evaluation: ({ sizes, activation, bias }) =>
    variationalEvaluation({
      decoder: (graph, parameters, z) => decode(layersOf(graph, parameters, bias), sizes, activation, z),
      codeSize: sizes.at(-1)!,
    }),
  checks: ["", "--beta 4 --code 2"],
});

async function main(args: readonly string[]): Promise<number> {
  const config = parseRecipe(vae, args);
  using training = await openTraining(vae, config);
  const step = await training.compile();
  using run = await training.start(step);
  if (!run) return 0; //                                           --dry-run, --print-plan or --profile
  for await (const batch of run.batches(step)) {
    step.run(batch, training.rate(step.count));
    if (run.isDue(step)) await run.report(step.readLosses().then(perImage));
  }
  return await run.finish();
}

if (import.meta.main) await runTraining(main);
