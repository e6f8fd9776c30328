// The deep autoencoder with a 3-D code: 784-128-64-12-3 and its mirror, trained end to end.
// Source: Morvan Zhou, PyTorch-Tutorial, 404_autoencoder.py (sizes, activations, Adam 5e-3, batch 64, 10 epochs).
// Run:    deno task train    (offline the same as: deno run --allow-read --allow-write=runs scripts/deep.ts)
// Flags:  deno task train --help
// Expect: on MNIST a test error of 0.035 to 0.037 per pixel (PCA with 3 components: 0.052), and 80 % of the test
//         codes classified rightly by their 5 nearest training codes.
import { batches, permutation } from "../src/data/shuffle.ts";
import { openGpu } from "../src/gpu/device.ts";
import { compile } from "../src/graph/compile.ts";
import { Graph, type Reduction } from "../src/graph/graph.ts";
import type { Model } from "../src/graph/model.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { formatPlan } from "../src/graph/plan.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { dense } from "../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../src/layers/gather_batch.ts";
import { squaredError } from "../src/losses/squared_error.ts";
import { adam } from "../src/optim/adam.ts";
import { clipByGlobalNorm } from "../src/optim/clip.ts";
import { parseSchedule } from "../src/optim/schedule.ts";
import { runCommand } from "../src/run/command.ts";
import { commonFlags, parseFlags, scheduleFlags } from "../src/run/flags.ts";
import { openDataset } from "../src/run/open_dataset.ts";
import { TrainingRun } from "../src/run/training_run.ts";

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...commonFlags({ epochs: 10, batchSize: 64, learningRate: 5e-3 }),
  ...scheduleFlags(),
};

/** The network: widths from pixels to code (the decoder mirrors them), and what follows each layer. */
export const ARCHITECTURE = {
  sizes: [784, 128, 64, 12, 3] as readonly number[],
  activation: "tanh" as Activation, // of hidden layers
  code: "identity" as Activation, // of the code, which may lie anywhere
  output: "sigmoid" as Activation, // of the last layer, as pixels are in [0, 1]
  bias: true,
  reduction: "mean" as Reduction, // of the squared error: per pixel
};

/** Records the network; names are those of the tutorial's two nn.Sequential, where activations count too. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  architecture = ARCHITECTURE,
): Model {
  const { sizes, activation, code: codeActivation, output: outputActivation, bias, reduction } = architecture;
  const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
    dense(graph, parameters, x, { label, outputs, activation, initializer: "pytorch-linear", bias });

  const down = sizes.slice(1), up = sizes.slice(0, -1).toReversed();
  let code = pixels; //                                                     [B, 784]
  for (const [k, width] of down.entries()) { //                           → [B, 128] → [B, 64] → [B, 12] → [B, 3]
    code = layer(`encoder.${2 * k}`, code, width, k < down.length - 1 ? activation : codeActivation);
  }
  let output = code;
  for (const [k, width] of up.entries()) { //                             → [B, 12] → [B, 64] → [B, 128] → [B, 784]
    output = layer(`decoder.${2 * k}`, output, width, k < up.length - 1 ? activation : outputActivation);
  }
  const reconstruction = squaredError(graph, output, pixels, { label: "loss", reduction });
  return { code, output, losses: [reconstruction] };
}

async function main(): Promise<number> {
  const config = parseFlags({ name: "deep", description: "Trains the deep autoencoder." }, flags, Deno.args);
  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const data = await openDataset(config);
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);

  const graph = new Graph(config.batchSize);
  using parameters = new Parameters(config.seed);
  const pixels = gatherBatch(graph, "pixels", images);
  const architecture = { ...ARCHITECTURE, sizes: [data.width, ...ARCHITECTURE.sizes.slice(1)] };
  const { losses } = model(graph, parameters, pixels, architecture);
  const optimizer = adam({ learningRate: config.learningRate });
  using step = await compile(gpu, graph, parameters, {
    label: "deep",
    losses,
    trainable: parameters.all,
    optimizer,
    clip: config.clipNorm === undefined ? undefined : clipByGlobalNorm(config.clipNorm),
  });
  const schedule = batches(images.count, config.batchSize);
  const steps = config.epochs * schedule.length;
  const share = parseSchedule(config.schedule, { warmUp: config.warmup, steps }); // of the learning rate
  console.log(
    `model     ${parameters.count} parameters, ${optimizer.name}, ${steps} steps of ${config.batchSize}`,
  );
  if (config.printPlan) console.log(formatPlan(step));
  if (config.printPlan || config.dryRun) return 0;

  using run = new TrainingRun({ recipe: "deep", config, gpu, data, epochs: config.epochs, steps });
  for (let epoch = 1; epoch <= config.epochs && !run.isInterrupted; epoch++) {
    images.setOrder(permutation(images.count, config.seed, epoch));
    for (const batch of schedule) {
      step.run(batch, config.learningRate * share(step.index, steps));
      if (step.index % config.logEvery === 0 || step.index === steps) {
        run.report(epoch, step.index, await step.readLosses());
        if (run.isInterrupted) break;
      }
    }
  }
  return await run.finish(parameters, step.index, (g, p, x) => model(g, p, x, architecture));
}

if (import.meta.main) await runCommand(main);
