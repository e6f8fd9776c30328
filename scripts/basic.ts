// The basic autoencoder: 784-128-784, sigmoid, which learns one fixed batch of images by heart.
// Source: the one-hidden-layer network that autoencoder tutorials begin with; the figures (Adam 1e-5, batch 32,
//         40,000 iterations on one batch) are those of the tutorial that this project re-tells.
// Run:    deno task basic    (offline the same as: deno run --allow-read --allow-write=runs scripts/basic.ts)
// Flags:  deno task basic --help    (try --full-data --learning-rate 1e-3: all images can be learned as well)
// Expect: on MNIST a loss of 0.061 after 5,000 iterations, 0.035 after 10,000, 0.008 after 20,000 and 2e-4 after
//         40,000, and a test error of 0.044: 32 images are too few to learn other digits from.
import type { Dataset } from "../src/data/dataset.ts";
import { permutation } from "../src/data/shuffle.ts";
import { InputError } from "../src/errors.ts";
import type { Graph, Reduction } from "../src/graph/graph.ts";
import type { Model } from "../src/graph/model.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { dense } from "../src/layers/dense.ts";
import { squaredError } from "../src/losses/squared_error.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { commonFlags, type Config, flag, integer, scheduleFlags } from "../src/run/flags.ts";
import { lastEpoch } from "../src/run/last_epoch.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { codeFlag, sizesFlag, sizesFor } from "../src/run/sizes.ts";
import { openTraining } from "../src/run/training.ts";

/** The network: widths of pixels and code, and what follows each layer. */
export const ARCHITECTURE = {
  sizes: [784, 128] as readonly number[],
  activation: "sigmoid" as Activation, // of the code
  output: "sigmoid" as Activation, // of the reconstruction, as pixels are in [0, 1]
  bias: true,
  reduction: "mean" as Reduction, // of the squared error: per pixel
};

const { epochs: _, ...common } = commonFlags({ epochs: 1, batchSize: 32, learningRate: 1e-5, logEvery: 500 });

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...common,
  ...scheduleFlags(),
  iterations: integer(40_000, "training steps", { min: 1 }),
  sizes: sizesFlag(ARCHITECTURE.sizes),
  code: codeFlag(),
  fullData: flag("train on all images, batch after batch, and not on one batch"),
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

/** The network that the flags say, for images of the data's width; its row, and what PyTorch's reaches. */
export function fromConfig(config: Config<typeof flags>, { width }: Dataset): Measured {
  const sizes = sizesFor(config.sizes, ARCHITECTURE.sizes, width, config.code);
  if (sizes.length > 2) {
    throw new InputError(
      `Cannot use --sizes ${sizes}: expected pixels and code, as basic has one layer; use deep`,
    );
  }
  const beside = besidePytorch(flags, config);
  const unit = `squared error per pixel, training images${beside("1.86e-4 to 2.21e-4")}`;
  return {
    build: (graph, parameters, pixels) => model(graph, parameters, pixels, { ...ARCHITECTURE, sizes }),
    pytorch: { error: beside("0.0438 to 0.0440") },
    rows: ({ metrics }) => [{ label: "loss, last report", value: lastEpoch(metrics).loss, digits: 6, unit }],
  };
}

async function main(): Promise<number> {
  const info = { name: "basic", description: "Trains the basic autoencoder." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  const { batchSize, iterations, seed, fullData } = config;
  using training = await openTraining("basic", config, fullData ? undefined : batchSize);
  const { data, images, schedule } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate });
  const step = await training.compile(measured.build, optimizer);
  const epochs = Math.ceil(iterations / schedule.length); // one batch is an epoch of one step
  const rate = training.rate(optimizer, iterations);

  const measureEvery = Math.ceil(epochs / 20); // epochs
  const about = { ...measured, compiled: step, optimizer, epochs, steps: iterations, measureEvery };
  using run = await training.start(about);
  if (!run) return 0;
  while (step.index < iterations && !run.isOver()) {
    const epoch = 1 + Math.floor(step.index / schedule.length);
    if (fullData) images.setOrder(permutation(images.count, seed, epoch));
    for (const batch of schedule.slice(step.index % schedule.length)) {
      step.run(batch, rate(step.index));
      if (run.isDue(step.index)) {
        await run.report(epoch, step.index, step.readLosses());
        if (run.isCutShort || step.index === iterations) break;
      }
    }
    await run.endEpoch(epoch, step.index);
  }
  return await run.finish(step.index);
}

if (import.meta.main) await runCommand(main);
