// The autoencoder with tied weights: 784-256-256-64-32, tanh, each decoder weight the transpose of its encoder's.
// Source: the tied autoencoder of the tutorial that the project re-tells: tanh everywhere, squared error summed over
//         pixels and batch, Adam 1e-3, batch 20, 30 epochs, weights uniform ±1/√n_in, biases 0; input and target are
//         the image minus the mean training image. On tying: Vincent et al. 2010, section 2.
// Run:    deno task tied    (offline the same as: deno run --allow-read --allow-write=runs scripts/tied.ts)
// Expect: on MNIST a cost per batch of 424 after the first epoch and 268 to 274 after 30, a test error of 0.017 per
//         pixel (PCA with 32 components: 0.0168). As the cost is a sum, the learning rate belongs to this batch size.
import type { Dataset } from "../src/data/dataset.ts";
import { meanImage } from "../src/data/mean_image.ts";
import { permutation } from "../src/data/shuffle.ts";
import type { Graph, Reduction } from "../src/graph/graph.ts";
import type { Model } from "../src/graph/model.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { dense } from "../src/layers/dense.ts";
import { subtractRow } from "../src/layers/subtract_row.ts";
import { tiedDense } from "../src/layers/tied_dense.ts";
import { squaredError } from "../src/losses/squared_error.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { commonFlags, type Config, scheduleFlags } from "../src/run/flags.ts";
import { lastEpoch } from "../src/run/last_epoch.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { sizesFlag, sizesFor } from "../src/run/sizes.ts";
import { openTraining } from "../src/run/training.ts";

/** The network: widths from pixels to code, and what follows each layer. */
export const ARCHITECTURE = {
  sizes: [784, 256, 256, 64, 32] as readonly number[],
  activation: "tanh" as Activation, // of hidden layers and the code
  output: "tanh" as Activation, // of the last layer, as centred pixels are in (-1, 1)
  bias: true,
  reduction: "sum" as Reduction, // of the squared error: over pixels and batch
};

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...commonFlags({ epochs: 30, batchSize: 20, learningRate: 1e-3 }),
  ...scheduleFlags(),
  sizes: sizesFlag(ARCHITECTURE.sizes),
};

/** Records the network. `mean` is the mean training image, [784]. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  mean: ArrayLike<number>,
  architecture = ARCHITECTURE,
): Model {
  const { sizes, activation, output: outputActivation, bias, reduction } = architecture;
  const centred = subtractRow(graph, pixels, { label: "centred", row: mean }); // [B, 784] in (-1, 1)
  let code = centred;
  for (const [k, outputs] of sizes.slice(1).entries()) { //                     → [B, 256] → … → [B, 32]
    const initializer = { uniform: 1 / Math.sqrt(code.width) };
    code = dense(graph, parameters, code, { label: `encoder.${k}`, outputs, activation, initializer, bias });
  }
  let output = code;
  for (let k = sizes.length - 2; k >= 0; k--) { //                              → … → [B, 256] → [B, 784]
    output = tiedDense(graph, parameters, output, {
      label: `decoder.${k}`,
      weight: `encoder.${k}.weight`,
      activation: k > 0 ? activation : outputActivation,
      initializer: { uniform: 0 }, // of the bias, which is the layer's only own parameter
      bias,
    });
  }
  const loss = squaredError(graph, output, centred, { label: "loss", reduction });
  return { code, output, target: centred, losses: [loss] };
}

/** The network that the flags say, around the data's mean image; its row, and what PyTorch's reaches. */
export function fromConfig(config: Config<typeof flags>, { width, train }: Dataset): Measured {
  const architecture = { ...ARCHITECTURE, sizes: sizesFor(config.sizes, ARCHITECTURE.sizes, width) };
  const mean = meanImage(train.images, width);
  const beside = besidePytorch(flags, config);
  const unit = `squared error summed over pixels and batch${beside("268 to 274")}`;
  return {
    build: (graph, parameters, pixels) => model(graph, parameters, pixels, mean, architecture),
    pytorch: { error: beside("0.0167 to 0.0170") },
    rows: ({ metrics }) => [{ label: "cost, last epoch", value: lastEpoch(metrics).loss, digits: 1, unit }],
  };
}

async function main(): Promise<number> {
  const info = { name: "tied", description: "Trains the tied autoencoder." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  using training = await openTraining("tied", config);
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
