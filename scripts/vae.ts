// The variational autoencoder: 784-400-(20, 20)-400-784, trained on the evidence lower bound.
// Source: pytorch/examples, vae/main.py (sizes, ReLU, Adam 1e-3, batch 128; 15 epochs here);
//         Kingma and Welling 2014, "Auto-encoding variational Bayes", eq. 10 and appendix B.
// Run:    deno task vae    (offline the same as: deno run --allow-read --allow-write=runs scripts/vae.ts)
// Expect: on MNIST a test total of 104.0 and 105.0 nats per image after 15 epochs (seeds 0 and 1; PyTorch 104.3 to
//         104.6), with all 20 code units active. As the loss is a sum, the learning rate belongs to this batch size.
import { permutation } from "../src/data/shuffle.ts";
import type { Graph, Reduction } from "../src/graph/graph.ts";
import type { BuildModel, Model } from "../src/graph/model.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import { perImage } from "../src/graph/step.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { activation as activate } from "../src/layers/activation.ts";
import { dense } from "../src/layers/dense.ts";
import { standardNormal } from "../src/layers/noise.ts";
import { reparameterize } from "../src/layers/reparameterize.ts";
import { binaryCrossEntropyWithLogits } from "../src/losses/binary_cross_entropy_with_logits.ts";
import { gaussianKl } from "../src/losses/gaussian_kl.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { commonFlags, type Config, number, scheduleFlags } from "../src/run/flags.ts";
import { measureVariational } from "../src/run/measure_variational.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { codeFlag, sizesFlag, sizesFor } from "../src/run/sizes.ts";
import { openTraining } from "../src/run/training.ts";

/** The network: widths from pixels to code (the decoder mirrors them), what follows each layer, and the loss. */
export const ARCHITECTURE = {
  sizes: [784, 400, 20] as readonly number[],
  activation: "relu" as Activation, // of hidden layers
  output: "sigmoid" as Activation, // of the last layer: a pixel's probability of being white
  bias: true,
  reduction: "sum" as Reduction, // of both terms: over pixels or code units, and batch
  beta: 1, // weight of the KL term
};

/** The command line; each flag's default is the example's figure. */
export const flags = {
  ...commonFlags({ epochs: 15, batchSize: 128, learningRate: 1e-3 }),
  ...scheduleFlags(),
  sizes: sizesFlag(ARCHITECTURE.sizes),
  code: codeFlag(),
  beta: number(1, "weight of the KL term in the loss", { min: 0, max: 1e6 }),
};

/** Where the code's noise comes from: drawn at every step, given, or nowhere, so that the code is its mean. */
export type Draw = { readonly seed: number } | { readonly epsilon: Value } | "mean";

/** What records layer k = 1, 2, …: the example numbers its layers through, encoder and decoder. */
function layers(graph: Graph, parameters: Parameters, bias: boolean) {
  const initializer = "pytorch-linear";
  return (k: number, x: Value, outputs: number, activation: Activation): Value =>
    dense(graph, parameters, x, { label: `fc${k}`, outputs, activation, initializer, bias });
}

/** Records the decoder: from codes to logits. */
export function decoder(graph: Graph, parameters: Parameters, z: Value, architecture = ARCHITECTURE): Value {
  const { sizes, activation, bias } = architecture, layer = layers(graph, parameters, bias);
  let x = z; //                                                   [B, 20]
  for (let k = sizes.length - 2; k >= 0; k--) { //              → [B, 400] → [B, 784]
    x = layer(2 * sizes.length - 1 - k, x, sizes[k], k > 0 ? activation : "identity");
  }
  return x;
}

/** Records the network. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  draw: Draw,
  architecture = ARCHITECTURE,
): Model {
  const { sizes, activation, output: outputActivation, bias, reduction, beta } = architecture;
  const layer = layers(graph, parameters, bias), last = sizes.length - 1, code = sizes[last];
  let x = pixels; //                                              [B, 784]
  for (let k = 1; k < last; k++) x = layer(k, x, sizes[k], activation); //    → [B, 400]
  const mean = layer(last, x, code, "identity"); //               [B, 400] → [B, 20]
  const logVariance = layer(last + 1, x, code, "identity"); //    [B, 400] → [B, 20]
  let z = mean;
  if (draw !== "mean") {
    const noise = "seed" in draw ? standardNormal(graph, code, { label: "noise", ...draw }) : draw.epsilon;
    z = reparameterize(graph, mean, logVariance, noise, { label: "z" }); // mean + deviation · noise
  }
  const logits = decoder(graph, parameters, z, architecture); //  [B, 20] → [B, 400] → [B, 784]
  const output = activate(graph, logits, { label: "output", activation: outputActivation });
  const losses = [
    binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "reconstruction", reduction }),
    gaussianKl(graph, mean, logVariance, { label: "kl", reduction, weight: beta }),
  ];
  return { code: mean, output, losses };
}

/** The network that the flags say, as it trains and, without noise, as it is measured; its decoder. */
export function fromConfig(config: Config<typeof flags>, { width }: { readonly width: number }) {
  const sizes = sizesFor(config.sizes, ARCHITECTURE.sizes, width, config.code);
  const architecture = { ...ARCHITECTURE, sizes, beta: config.beta };
  const build = (draw: Draw): BuildModel => (g, p, x) => model(g, p, x, draw, architecture);
  return measureVariational({
    build: build("mean"),
    noisy: build({ seed: config.seed }),
    generator: { decoder: (g, p, z) => decoder(g, p, z, architecture), codeSize: sizes.at(-1)! },
    beside: besidePytorch(flags, config),
  });
}

async function main(): Promise<number> {
  const info = { name: "vae", description: "Trains the variational autoencoder." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  using training = await openTraining("vae", config);
  const { data, images, schedule } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate });
  const step = await training.compile(measured.noisy, optimizer);
  const steps = config.epochs * schedule.length;
  const rate = training.rate(optimizer, steps);

  using run = await training.start({ ...measured, compiled: step, optimizer, epochs: config.epochs, steps });
  if (!run) return 0;
  while (step.index < steps && !run.isOver()) {
    const epoch = 1 + Math.floor(step.index / schedule.length);
    images.setOrder(permutation(images.count, config.seed, epoch));
    for (const batch of schedule.slice(step.index % schedule.length)) {
      step.run(batch, rate(step.index));
      if (run.isDue(step.index)) {
        await run.report(epoch, step.index, step.readLosses().then(perImage));
        if (run.isCutShort) break;
      }
    }
    await run.endEpoch(epoch, step.index);
  }
  return await run.finish(step.index);
}

if (import.meta.main) await runCommand(main);
