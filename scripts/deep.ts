// The deep autoencoder with a 3-D code: 784-128-64-12-3 and its mirror, trained end to end.
// Source: Morvan Zhou, PyTorch-Tutorial, 404_autoencoder.py (sizes, activations, Adam 5e-3, batch 64, 10 epochs).
// Run:    deno task train    (offline the same as: deno run --allow-read --allow-write=runs scripts/deep.ts)
// Flags:  deno task train --help
// Expect: on MNIST a test error of 0.035 to 0.037 per pixel (PCA with 3 components: 0.052), and 80 % of the test
//         codes classified rightly by their 5 nearest training codes.
import type { Dataset } from "../src/data/dataset.ts";
import { permutation } from "../src/data/shuffle.ts";
import type { Graph, Reduction } from "../src/graph/graph.ts";
import type { Model } from "../src/graph/model.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { dense } from "../src/layers/dense.ts";
import { squaredError } from "../src/losses/squared_error.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { commonFlags, type Config, scheduleFlags } from "../src/run/flags.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { sizesFlag, sizesFor } from "../src/run/sizes.ts";
import { openTraining } from "../src/run/training.ts";

/** The network: widths from pixels to code (the decoder mirrors them), and what follows each layer. */
export const ARCHITECTURE = {
  sizes: [784, 128, 64, 12, 3] as readonly number[],
  activation: "tanh" as Activation, // of hidden layers
  code: "identity" as Activation, // of the code, which may lie anywhere
  output: "sigmoid" as Activation, // of the last layer, as pixels are in [0, 1]
  bias: true,
  reduction: "mean" as Reduction, // of the squared error: per pixel
};

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...commonFlags({ epochs: 10, batchSize: 64, learningRate: 5e-3 }),
  ...scheduleFlags(),
  sizes: sizesFlag(ARCHITECTURE.sizes),
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

/** The network that the flags say, for images of the data's width, and what PyTorch's reaches. */
export function fromConfig(config: Config<typeof flags>, { width }: Dataset): Measured {
  const architecture = { ...ARCHITECTURE, sizes: sizesFor(config.sizes, ARCHITECTURE.sizes, width) };
  const beside = besidePytorch(flags, config);
  return {
    build: (graph, parameters, pixels) => model(graph, parameters, pixels, architecture),
    pytorch: { error: beside("0.0354 to 0.0374"), accuracy: beside("0.80 to 0.82") },
  };
}

async function main(): Promise<number> {
  const info = { name: "deep", description: "Trains the deep autoencoder." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  using training = await openTraining("deep", config);
  const { data, images, schedule } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate });
  const step = await training.compile(measured.build, optimizer);
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
        await run.report(epoch, step.index, step.readLosses());
        if (run.isCutShort) break;
      }
    }
    await run.endEpoch(epoch, step.index);
  }
  return await run.finish(step.index);
}

if (import.meta.main) await runCommand(main);
