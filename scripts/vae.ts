// The variational autoencoder: 784-400-(20, 20)-400-784, trained on the evidence lower bound.
// Source: pytorch/examples, vae/main.py (sizes, ReLU, Adam 1e-3, batch 128; 15 epochs here);
//         Kingma and Welling 2014, "Auto-encoding variational Bayes", eq. 10 and appendix B.
// Run:    deno task vae    (offline the same as: deno run --allow-read --allow-write=runs scripts/vae.ts)
// Expect: on MNIST a test total of 104.0 and 105.0 nats per image after 15 epochs (seeds 0 and 1; PyTorch 104.3 to
//         104.6), with all 20 code units active. As the loss is a sum, the learning rate belongs to this batch size.
import { batches, permutation } from "../src/data/shuffle.ts";
import { openGpu } from "../src/gpu/device.ts";
import { compile } from "../src/graph/compile.ts";
import { Graph, type Reduction } from "../src/graph/graph.ts";
import type { BuildModel, Model } from "../src/graph/model.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { formatPlan } from "../src/graph/plan.ts";
import { perImage } from "../src/graph/step.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { activation as activate } from "../src/layers/activation.ts";
import { dense } from "../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../src/layers/gather_batch.ts";
import { standardNormal } from "../src/layers/noise.ts";
import { reparameterize } from "../src/layers/reparameterize.ts";
import { binaryCrossEntropyWithLogits } from "../src/losses/binary_cross_entropy_with_logits.ts";
import { gaussianKl } from "../src/losses/gaussian_kl.ts";
import { adam } from "../src/optim/adam.ts";
import { clipByGlobalNorm } from "../src/optim/clip.ts";
import { parseSchedule } from "../src/optim/schedule.ts";
import { runCommand } from "../src/run/command.ts";
import { measureLosses } from "../src/run/evaluate.ts";
import { commonFlags, integer, number, parseFlags, restoreConfig, scheduleFlags } from "../src/run/flags.ts";
import { openDataset } from "../src/run/open_dataset.ts";
import { TrainingRun } from "../src/run/training_run.ts";
import { type BuildDecoder, EpochPictures, variationalRows } from "../src/run/variational.ts";

/** The command line; each flag's default is the example's figure. */
export const flags = {
  ...commonFlags({ epochs: 15, batchSize: 128, learningRate: 1e-3 }),
  ...scheduleFlags(),
  code: integer(20, "numbers in the code", { min: 1, max: 4096 }),
  beta: number(1, "weight of the KL term in the loss", { min: 0, max: 1e6 }),
};

/** The network: widths from pixels to code (the decoder mirrors them), what follows each layer, and the loss. */
export const ARCHITECTURE = {
  sizes: [784, 400, 20] as readonly number[],
  activation: "relu" as Activation, // of hidden layers
  output: "sigmoid" as Activation, // of the last layer: a pixel's probability of being white
  bias: true,
  reduction: "sum" as Reduction, // of both terms: over pixels or code units, and batch
  beta: 1, // weight of the KL term
};

/** Where the code's noise comes from: drawn at every step, given, or nowhere, so that the code is its mean. */
export type Draw = { readonly seed: number } | { readonly epsilon: Value } | "mean";

/** Records the decoder: from codes to logits. Names, here and below, are those of the example. */
export function decoder(graph: Graph, parameters: Parameters, z: Value, architecture = ARCHITECTURE): Value {
  const { sizes: [pixels, hidden], activation, bias } = architecture;
  const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
    dense(graph, parameters, x, { label, outputs, activation, initializer: "pytorch-linear", bias });
  const up = layer("fc4", z, hidden, activation); //                        [B, 20] → [B, 400]
  return layer("fc5", up, pixels, "identity"); //                                   → [B, 784]
}

/** Records the network. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  draw: Draw,
  architecture = ARCHITECTURE,
): Model {
  const { sizes: [, hidden, code], activation, output: outputActivation, bias, reduction, beta } =
    architecture;
  const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
    dense(graph, parameters, x, { label, outputs, activation, initializer: "pytorch-linear", bias });

  const down = layer("fc1", pixels, hidden, activation); //                [B, 784] → [B, 400]
  const mean = layer("fc2", down, code, "identity"); //                             → [B, 20]
  const logVariance = layer("fc3", down, code, "identity"); //             [B, 400] → [B, 20]
  let z = mean;
  if (draw !== "mean") {
    const noise = "seed" in draw ? standardNormal(graph, code, { label: "noise", ...draw }) : draw.epsilon;
    z = reparameterize(graph, mean, logVariance, noise, { label: "z" }); // mean + deviation · noise
  }
  const logits = decoder(graph, parameters, z, architecture); //            [B, 20] → [B, 400] → [B, 784]
  const output = activate(graph, logits, { label: "output", activation: outputActivation });
  const losses = [
    binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "reconstruction", reduction }),
    gaussianKl(graph, mean, logVariance, { label: "kl", reduction, weight: beta }),
  ];
  return { code: mean, output, losses };
}

/** The architecture for images of `width` pixels that the flags say. */
export function architectureOf({ code, beta }: { code: number; beta: number }, width: number) {
  return { ...ARCHITECTURE, sizes: [width, ARCHITECTURE.sizes[1], code], beta };
}

/** Records the network of a run as it is measured, decoding the mean code; errors name `source`. */
export function fromConfig(config: Record<string, unknown>, source: string, width: number): BuildModel {
  const architecture = architectureOf(restoreConfig(flags, config, source), width);
  return (graph, parameters, pixels) => model(graph, parameters, pixels, "mean", architecture);
}

async function main(): Promise<number> {
  const about = { name: "vae", description: "Trains the variational autoencoder." };
  const config = parseFlags(about, flags, Deno.args);
  const { epochs, batchSize, learningRate, clipNorm, seed, code: codeSize } = config;
  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const data = await openDataset(config);
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);

  const architecture = architectureOf(config, data.width);
  const build = (draw: Draw): BuildModel => (g, p, x) => model(g, p, x, draw, architecture);
  const graph = new Graph(batchSize);
  using parameters = new Parameters(seed);
  const { losses } = build({ seed })(graph, parameters, gatherBatch(graph, "pixels", images));
  const optimizer = adam({ learningRate });
  using step = await compile(gpu, graph, parameters, {
    label: "vae",
    losses,
    trainable: parameters.all,
    optimizer,
    clip: clipNorm === undefined ? undefined : clipByGlobalNorm(clipNorm),
  });
  const schedule = batches(images.count, batchSize);
  const steps = epochs * schedule.length;
  const share = parseSchedule(config.schedule, { warmUp: config.warmup, steps }); // of the learning rate
  console.log(`model     ${parameters.count} parameters, ${optimizer.name}, ${steps} steps of ${batchSize}`);
  if (config.printPlan) console.log(formatPlan(step));
  if (config.printPlan || config.dryRun) return 0;

  using run = new TrainingRun({ recipe: "vae", config, gpu, data, epochs, steps });
  const decode: BuildDecoder = (g, p, z) => decoder(g, p, z, architecture);
  const shown = { data, seed, codeSize, decoder: decode, build: build("mean") };
  using pictures = await EpochPictures.compile(gpu, parameters, shown);
  for (let epoch = 1; epoch <= epochs && !run.isInterrupted; epoch++) {
    images.setOrder(permutation(images.count, seed, epoch));
    for (const batch of schedule) {
      step.run(batch, learningRate * share(step.index, steps));
      if (step.index % config.logEvery === 0 || step.index === steps) {
        run.report(epoch, step.index, perImage(await step.readLosses()));
        if (run.isInterrupted) break;
      }
    }
    await pictures.save(run.folder, epoch);
  }
  return await run.finish(parameters, step.index, build("mean"), async ({ codes }) => {
    const { test, width } = data;
    const found = await measureLosses(gpu, build({ seed }), parameters, test.images, width);
    return variationalRows(found, codes, codeSize);
  });
}

if (import.meta.main) await runCommand(main);
