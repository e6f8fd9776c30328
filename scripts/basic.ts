// The basic autoencoder: 784-128-784, sigmoid, which learns one fixed batch of images by heart.
// Source: the one-hidden-layer network that autoencoder tutorials begin with; the figures (Adam 1e-5, batch 32,
//         40,000 iterations on one batch) are those of the tutorial that this project re-tells.
// Run:    deno task basic    (offline the same as: deno run --allow-read --allow-write=runs scripts/basic.ts)
// Flags:  deno task basic --help    (try --full-data --learning-rate 1e-3: all images can be learned as well)
// Expect: on MNIST a loss of 0.061 after 5,000 iterations, 0.035 after 10,000, 0.008 after 20,000 and 2e-4 after
//         40,000, and a test error of 0.044: 32 images are too few to learn other digits from.
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
import { runCommand } from "../src/run/command.ts";
import { commonFlags, flag, integer, parseFlags } from "../src/run/flags.ts";
import { openDataset } from "../src/run/open_dataset.ts";
import { TrainingRun } from "../src/run/training_run.ts";

const { epochs: _, ...common } = commonFlags({ epochs: 1, batchSize: 32, learningRate: 1e-5, logEvery: 500 });

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...common,
  iterations: integer(40_000, "training steps", { min: 1 }),
  code: integer(128, "numbers in the code", { min: 1 }),
  fullData: flag("train on all images, batch after batch, and not on one batch"),
};

/** The network: widths of pixels and code, and what follows each layer. */
export const ARCHITECTURE = {
  sizes: [784, 128] as readonly number[],
  activation: "sigmoid" as Activation, // of the code
  output: "sigmoid" as Activation, // of the reconstruction, as pixels are in [0, 1]
  bias: true,
  reduction: "mean" as Reduction, // of the squared error: per pixel
};

/** Records the network. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  architecture = ARCHITECTURE,
): Model {
  const { sizes: [width, codeSize], activation, output: outputActivation, bias, reduction } = architecture;
  const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
    dense(graph, parameters, x, { label, outputs, activation, initializer: "glorot-uniform", bias });

  const code = layer("encoder", pixels, codeSize, activation); //     [B, 784] → [B, 128]
  const output = layer("decoder", code, width, outputActivation); //           → [B, 784]
  return { code, output, losses: [squaredError(graph, output, pixels, { label: "loss", reduction })] };
}

async function main(): Promise<number> {
  const config = parseFlags(
    { name: "basic", description: "Trains the basic autoencoder." },
    flags,
    Deno.args,
  );
  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const data = await openDataset(config);
  const { batchSize, iterations, seed } = config;
  const few = data.train.images.subarray(0, batchSize * data.width); // all, if there are fewer
  using images = new DeviceImages(gpu, "train", config.fullData ? data.train.images : few, data.width);

  const graph = new Graph(batchSize);
  using parameters = new Parameters(seed);
  const pixels = gatherBatch(graph, "pixels", images);
  const architecture = { ...ARCHITECTURE, sizes: [data.width, config.code] };
  const { losses } = model(graph, parameters, pixels, architecture);
  const optimizer = adam({ learningRate: config.learningRate });
  using step = await compile(gpu, graph, parameters, {
    label: "basic",
    losses,
    trainable: parameters.all,
    optimizer,
  });
  const schedule = batches(images.count, batchSize);
  const epochs = Math.ceil(iterations / schedule.length);
  console.log(
    `model     ${parameters.count} parameters, ${optimizer.name}, ${iterations} steps of ${batchSize}`,
  );
  if (config.printPlan) console.log(formatPlan(step));
  if (config.printPlan || config.dryRun) return 0;

  using run = new TrainingRun({ recipe: "basic", config, gpu, data, epochs, steps: iterations });
  while (step.index < iterations && !run.isInterrupted) {
    const epoch = Math.floor(step.index / schedule.length) + 1;
    if (config.fullData) images.setOrder(permutation(images.count, seed, epoch));
    for (const batch of schedule) {
      step.run(batch);
      if (step.index % config.logEvery === 0 || step.index === iterations) {
        run.report(epoch, step.index, await step.readLosses());
        if (run.isInterrupted || step.index === iterations) break;
      }
    }
  }
  return await run.finish(parameters, step.index, (g, p, x) => model(g, p, x, architecture));
}

if (import.meta.main) await runCommand(main);
