// An end-to-end test of training: a linear autoencoder is trained until it reaches the error of PCA with the same code
// size, its lower bound. Every part of a step must be correct for that; a small mistake leaves the error above it.
// Source: Baldi and Hornik, Neural networks and principal component analysis (1989): the only minimum of a linear
//         autoencoder's error is PCA's, where the decoder spans the same components; the biases fit the mean image.
// Run:    deno run --allow-read scripts/tools/linear_pca.ts --code 20    (docs/proofs.md has what it prints)
// Expect: a test error within 2 % of PCA's.
import { batches, permutation } from "../../src/data/shuffle.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { cosine } from "../../src/optim/schedule.ts";
import { resultsTable } from "../../src/report/results_table.ts";
import { runCommand } from "../../src/cli/command.ts";
import { evaluate, type Evaluation } from "../../src/evaluate/evaluate.ts";
import { commonFlags, integer, parseFlags } from "../../src/recipe/flags.ts";
import { openDataset } from "../../src/cli/open_dataset.ts";
import { print, printText } from "../../src/terminal.ts";

const { epochs, batchSize, learningRate, seed, ...common } = commonFlags({
  epochs: 60,
  batchSize: 128,
  learningRate: 5e-3,
});
const { dataset, dataDir, data, label, testFraction, limit } = common;

/** The command line. */
export const flags = {
  ...{ epochs, batchSize, learningRate, seed, dataset, dataDir, data, label, testFraction, limit },
  code: integer(20, "code size", { min: 1 }),
};

/** Training options of a linear autoencoder. */
export interface LinearOptions {
  /** Code size. */
  readonly code: number;
  /** Number of training epochs. */
  readonly epochs: number;
  /** Images per step. */
  readonly batchSize: number;
  /** Initial learning rate of Adam; the schedule is a cosine down to 0. */
  readonly learningRate: number;
  /** Seed of weights and shuffles. */
  readonly seed: number;
}

/** Trains a linear autoencoder and evaluates it on the test images, together with PCA. */
export async function trainLinear(gpu: Gpu, data: Dataset, options: LinearOptions): Promise<Evaluation> {
  const { code: codeSize, epochs, batchSize, learningRate, seed } = options;
  const build: BuildModel = (graph, parameters, pixels) => {
    const linear = { activation: "identity", initializer: "pytorch-linear" } as const;
    const code = dense(graph, parameters, pixels, { label: "encoder", outputs: codeSize, ...linear });
    const output = dense(graph, parameters, code, { label: "decoder", outputs: pixels.width, ...linear });
    return {
      code,
      output,
      losses: [squaredError(graph, output, pixels, { label: "loss", reduction: "mean" })],
    };
  };
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);
  const graph = new Graph(batchSize);
  using parameters = new Parameters(seed);
  const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", images));
  const optimizer = adam({ learningRate });
  const trainable = parameters.all;
  using step = await compile(gpu, graph, parameters, { label: "linear", losses, trainable, optimizer });
  const epochBatches = batches(images.count, batchSize);
  const share = cosine();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    images.setOrder(permutation(images.count, seed, epoch));
    for (const batch of epochBatches) {
      step.run(batch, learningRate * share(step.count, epochs * epochBatches.length));
    }
    await step.readLosses(); // one wait per epoch keeps the queue short
  }
  return await evaluate(gpu, build, parameters, data);
}

async function main(): Promise<number> {
  const about = {
    name: "linear_pca",
    start: "deno run --allow-read scripts/tools/linear_pca.ts",
    description: "Trains a linear autoencoder until it reaches the error of PCA.",
  };
  const config = parseFlags(about, flags, Deno.args);
  using gpu = await openGpu();
  print(`computing on ${gpu.description}`);
  const { error, pcaError } = await trainLinear(gpu, await openDataset(config), config);
  const unit = "squared error per pixel, test images";
  printText(resultsTable([
    { label: "linear autoencoder", value: error, digits: 5, unit },
    {
      label: `PCA, ${config.code} components`,
      value: pcaError,
      digits: 5,
      unit: "squared error per pixel, test images",
    },
    { label: "above PCA", value: 100 * (error / pcaError - 1), digits: 2, unit: "%" },
  ]));
  return 0;
}

if (import.meta.main) await runCommand(main);
