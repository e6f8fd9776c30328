// The variational autoencoder: 784-400-(20, 20)-400-784, trained on the evidence lower bound.
// Source: pytorch/examples, vae/main.py (sizes, ReLU, Adam 1e-3, batch 128; 15 epochs here);
//         Kingma and Welling 2014, "Auto-encoding variational Bayes", eq. 10 and appendix B.
// Run:    deno task vae    (offline the same as: deno run --allow-read --allow-write=runs scripts/vae.ts)
// Expect: on MNIST a test total of 104.0 and 105.0 nats per image after 15 epochs (seeds 0 and 1; PyTorch 104.3 to
//         104.6), with all 20 code units active. As the loss is a sum, the learning rate belongs to this batch size.
import type { Dataset } from "../src/data/dataset.ts";
import { batches, permutation } from "../src/data/shuffle.ts";
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
import { measureLosses } from "../src/run/evaluate.ts";
import { commonFlags, type Config, number, parseFlags, scheduleFlags } from "../src/run/flags.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { codeFlag, sizesFlag, sizesFor } from "../src/run/sizes.ts";
import { openTraining } from "../src/run/training.ts";
import { variationalRows } from "../src/run/variational.ts";

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

/** Records the decoder: from codes to logits. Layers are numbered through, which gives the names of the example. */
export function decoder(graph: Graph, parameters: Parameters, z: Value, architecture = ARCHITECTURE): Value {
  const { sizes, activation, bias } = architecture;
  let x = z; //                                                              [B, 20]
  for (let k = sizes.length - 2; k >= 0; k--) { //                         → [B, 400] → [B, 784]
    const label = `fc${2 * sizes.length - 1 - k}`;
    const layer = { label, outputs: sizes[k], activation: k > 0 ? activation : "identity", bias } as const;
    x = dense(graph, parameters, x, { ...layer, initializer: "pytorch-linear" });
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
  const layer = (k: number, x: Value, outputs: number, activation: Activation) =>
    dense(graph, parameters, x, {
      label: `fc${k}`,
      outputs,
      activation,
      initializer: "pytorch-linear",
      bias,
    });

  const hidden = sizes.slice(1, -1), code = sizes.at(-1)!;
  let down = pixels; //                                                    [B, 784]
  for (const [k, width] of hidden.entries()) down = layer(k + 1, down, width, activation); // → [B, 400]
  const mean = layer(hidden.length + 1, down, code, "identity"); //                         → [B, 20]
  const logVariance = layer(hidden.length + 2, down, code, "identity"); //         [B, 400] → [B, 20]
  let z = mean;
  if (draw !== "mean") {
    const noise = "seed" in draw ? standardNormal(graph, code, { label: "noise", ...draw }) : draw.epsilon;
    z = reparameterize(graph, mean, logVariance, noise, { label: "z" }); // mean + deviation · noise
  }
  const logits = decoder(graph, parameters, z, architecture); //           [B, 20] → [B, 400] → [B, 784]
  const output = activate(graph, logits, { label: "output", activation: outputActivation });
  const losses = [
    binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "reconstruction", reduction }),
    gaussianKl(graph, mean, logVariance, { label: "kl", reduction, weight: beta }),
  ];
  return { code: mean, output, losses };
}

/** The network that the flags say, as it trains and, without noise, as it is measured; its decoder; its rows. */
export function fromConfig(config: Config<typeof flags>, { width }: Pick<Dataset, "width">) {
  const sizes = sizesFor(config.sizes, ARCHITECTURE.sizes, width, config.code);
  const architecture = { ...ARCHITECTURE, sizes, beta: config.beta };
  const build = (draw: Draw): BuildModel => (g, p, x) => model(g, p, x, draw, architecture);
  const noisy = build({ seed: config.seed });
  const beside = besidePytorch(flags, config);
  return {
    build: build("mean"),
    noisy,
    generator: { decoder: (g, p, z) => decoder(g, p, z, architecture), codeSize: sizes.at(-1)! },
    total: ["reconstruction", "kl"],
    crossEntropy: { label: "reconstruction", per: "image" },
    pytorch: { error: beside("0.0092") },
    rows: async ({ gpu, parameters, data: { test }, result: { codes, codeSize } }) =>
      variationalRows(
        await measureLosses(gpu, noisy, parameters, test.images, width),
        codes,
        codeSize,
        beside,
      ),
  } as const satisfies Measured;
}

async function main(): Promise<number> {
  const about = { name: "vae", description: "Trains the variational autoencoder." };
  const config = parseFlags(about, flags, Deno.args);
  using training = await openTraining("vae", config);
  const { data, images } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate });
  const step = await training.compile(measured.noisy, optimizer);
  const schedule = batches(images.count, config.batchSize);
  const steps = config.epochs * schedule.length;
  const rate = training.rate(optimizer, steps);

  using run = await training.start({ ...measured, compiled: step, optimizer, epochs: config.epochs, steps });
  if (!run) return 0;
  for (let epoch = 1; epoch <= config.epochs && !run.isInterrupted; epoch++) {
    images.setOrder(permutation(images.count, config.seed, epoch));
    for (const batch of schedule) {
      step.run(batch, rate(step.index));
      if (run.isDue(step.index)) {
        await run.report(epoch, step.index, perImage(await step.readLosses()));
        if (run.isInterrupted) break;
      }
    }
    await run.endEpoch(epoch, step.index);
  }
  return await run.finish(step.index);
}

if (import.meta.main) await runCommand(main);
