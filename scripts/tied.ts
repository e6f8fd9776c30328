// The autoencoder with tied weights: 784-256-256-64-32, tanh, each decoder weight the transpose of its encoder's.
// Source: the tied autoencoder of the tutorial that the project re-tells: tanh everywhere, squared error summed over
//         pixels and batch, Adam 1e-3, batch 20, 30 epochs, weights uniform ±1/√n_in, biases 0; input and target are
//         the image minus the mean training image. On tying: Vincent et al. 2010, section 2.
// Run:    deno task tied    (offline the same as: deno run --allow-read --allow-write=runs scripts/tied.ts)
// Expect: on MNIST a cost per batch of 424 after the first epoch and 268 to 274 after 30, a test error of 0.017 per
//         pixel (PCA with 32 components: 0.0168). As the cost is a sum, the learning rate belongs to this batch size.
import { meanImage } from "../src/data/mean_image.ts";
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
import { subtractRow } from "../src/layers/subtract_row.ts";
import { tiedDense } from "../src/layers/tied_dense.ts";
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
  ...commonFlags({ epochs: 30, batchSize: 20, learningRate: 1e-3 }),
  ...scheduleFlags(),
};

/** The network: widths from pixels to code, and what follows each layer. */
export const ARCHITECTURE = {
  sizes: [784, 256, 256, 64, 32] as readonly number[],
  activation: "tanh" as Activation, // of hidden layers and the code
  output: "tanh" as Activation, // of the last layer, as centred pixels are in (-1, 1)
  bias: true,
  reduction: "sum" as Reduction, // of the squared error: over pixels and batch
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
  return {
    code,
    output,
    target: centred,
    losses: [squaredError(graph, output, centred, { label: "loss", reduction })],
  };
}

async function main(): Promise<number> {
  const config = parseFlags({ name: "tied", description: "Trains the tied autoencoder." }, flags, Deno.args);
  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const data = await openDataset(config);
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);
  const mean = meanImage(data.train.images, data.width);

  const architecture = { ...ARCHITECTURE, sizes: [data.width, ...ARCHITECTURE.sizes.slice(1)] };
  const build = (g: Graph, p: Parameters, x: Value) => model(g, p, x, mean, architecture);
  const graph = new Graph(config.batchSize);
  using parameters = new Parameters(config.seed);
  const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", images));
  const optimizer = adam({ learningRate: config.learningRate });
  using step = await compile(gpu, graph, parameters, {
    label: "tied",
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

  using run = new TrainingRun({ recipe: "tied", config, gpu, data, epochs: config.epochs, steps });
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
  return await run.finish(parameters, step.index, build);
}

if (import.meta.main) await runCommand(main);
