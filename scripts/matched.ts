// The layer-matched autoencoder: 784-400-200-100-50, sigmoid; each encoder activation should equal its mirror.
// Source: the question and answer that the project re-tells: the loss is the sum over levels i of the loss between
//         the encoder's activation e_i and the decoder's d_i (e_0 is the image), gradients flowing into both; Glorot
//         uniform, biases 0, batch 128, Adam (ε 1e-7) 0.01 with --match mse, 1e-4 with bce, 1e-3 with none.
// Run:    deno task matched    (offline the same as: deno run --allow-read --allow-write=runs scripts/matched.ts)
// Flags:  --match none is the plain autoencoder with cross-entropy; --local stops each level's gradient at that level;
//         --tied shares each weight with its mirror, as the answer suggests.
// Expect: on MNIST after 5 epochs, mse 0.055 to 0.068 (it leaves the mean image's plateau, 0.0675, after 3 to 5), bce
//         0.0675 (it stays there), none 0.049, --local collapsed at 0.01 and 0.0445 at 1e-3. A collapse makes every
//         level's error small; the spread of the activations, printed beside it, shows it.
import { batches, permutation } from "../src/data/shuffle.ts";
import { openGpu } from "../src/gpu/device.ts";
import { compile } from "../src/graph/compile.ts";
import { Graph, type LossTerm, type Reduction } from "../src/graph/graph.ts";
import type { Model } from "../src/graph/model.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { formatPlan } from "../src/graph/plan.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { activation as activate } from "../src/layers/activation.ts";
import { dense } from "../src/layers/dense.ts";
import { detach } from "../src/layers/detach.ts";
import { DeviceImages, gatherBatch } from "../src/layers/gather_batch.ts";
import { tiedDense } from "../src/layers/tied_dense.ts";
import { binaryCrossEntropy } from "../src/losses/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogits } from "../src/losses/binary_cross_entropy_with_logits.ts";
import { squaredError } from "../src/losses/squared_error.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { measureLevels } from "../src/run/evaluate.ts";
import { choice, commonFlags, flag, optionalNumber, parseFlags } from "../src/run/flags.ts";
import { openDataset } from "../src/run/open_dataset.ts";
import { TrainingRun } from "../src/run/training_run.ts";

/** The learning rate of each kind of matching. */
export const RATES = { mse: 0.01, bce: 1e-4, none: 1e-3 };

/** The command line; each flag's default is the source's figure. */
export const flags = {
  ...commonFlags({ epochs: 5, batchSize: 128, learningRate: RATES.mse }),
  learningRate: optionalNumber("step size of Adam", {
    above: 0,
    absent: "0.01 for mse, 1e-4 for bce, 1e-3 for none",
  }),
  match: choice(
    ["mse", "bce", "none"],
    "mse",
    "loss between a level's two activations; none: only the pixels'",
  ),
  local: flag("stop each level's gradient at that level"),
  tied: flag("let each decoder layer read the transposed weight of its encoder layer"),
};

/** The network and its loss. */
export const ARCHITECTURE = {
  sizes: [784, 400, 200, 100, 50] as readonly number[],
  activation: "sigmoid" as Activation, // of every layer
  bias: true,
  reduction: "mean" as Reduction, // of every level's loss: per element
  match: "mse" as keyof typeof RATES,
  local: false,
  tied: false,
};

/** Records the network; `levels` are the encoder's activations and their mirrors, from the pixels inwards. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  architecture = ARCHITECTURE,
): Model & { readonly levels: readonly { readonly encoded: Value; readonly decoded: Value }[] } {
  const { sizes, activation, bias, reduction, match, local, tied } = architecture;
  const depth = sizes.length - 1, initializer = "glorot-uniform" as const;

  /** From level `from` inwards to the code and back out; `labels` tells this way from others through the layers. */
  function path(
    start: Value,
    from: number,
    labels: string,
  ): { encoded: Value[]; decoded: Value[]; last: Value } {
    const encoded: Value[] = [start], decoded: Value[] = [];
    for (let k = from; k < depth; k++) { //                     [B, 784] → [B, 400] → [B, 200] → [B, 100] → [B, 50]
      const name = `encoder.${k}`, label = name + labels;
      encoded.push(
        dense(graph, parameters, encoded.at(-1)!, {
          label,
          name,
          outputs: sizes[k + 1],
          activation,
          initializer,
          bias,
        }),
      );
    }
    let last = encoded.at(-1)!;
    for (let k = depth - 1; k >= from; k--) { //                                   and back out the same way
      const name = `decoder.${k}`, label = name + labels;
      const own = {
        label,
        name,
        activation: k === 0 && match !== "mse" ? "identity" as const : activation,
        initializer,
        bias,
      };
      last = tied
        ? tiedDense(graph, parameters, last, { ...own, weight: `encoder.${k}.weight`, initializer })
        : dense(graph, parameters, last, { ...own, outputs: sizes[k] });
      decoded.unshift(last);
    }
    return { encoded, decoded, last };
  }

  const { encoded, decoded } = path(pixels, 0, "");
  const logits = decoded[0]; // of the pixels, unless squared errors are wanted
  const output = match === "mse" ? logits : activate(graph, logits, { label: "reconstruction", activation });
  const losses: LossTerm[] = [
    match === "mse"
      ? squaredError(graph, output, pixels, { label: "level.0", reduction })
      : binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "level.0", reduction }),
  ];
  for (let level = 1; level < depth && match !== "none"; level++) {
    const target = local
      ? detach(graph, encoded[level], { label: `level ${level} detached` })
      : encoded[level];
    const mirror = local ? path(target, level, ` from level ${level}`).last : decoded[level];
    const loss = match === "mse" ? squaredError : binaryCrossEntropy;
    losses.push(loss(graph, mirror, target, { label: `level.${level}`, reduction }));
  }
  const levels = encoded.slice(0, -1).map((value, k) => ({
    encoded: value,
    decoded: k === 0 ? output : decoded[k],
  }));
  return { code: encoded[depth], output, losses, levels };
}

async function main(): Promise<number> {
  const config = parseFlags(
    { name: "matched", description: "Trains the layer-matched autoencoder." },
    flags,
    Deno.args,
  );
  const { batchSize, epochs, seed, match, local, tied, learningRate = RATES[match] } = config;
  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const data = await openDataset(config);
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);

  const architecture = {
    ...ARCHITECTURE,
    sizes: [data.width, ...ARCHITECTURE.sizes.slice(1)],
    match,
    local,
    tied,
  };
  const graph = new Graph(batchSize);
  using parameters = new Parameters(seed);
  const { losses } = model(graph, parameters, gatherBatch(graph, "pixels", images), architecture);
  const optimizer = adam({ learningRate, epsilon: 1e-7 });
  using step = await compile(gpu, graph, parameters, {
    label: "matched",
    losses,
    trainable: parameters.all,
    optimizer,
  });
  const schedule = batches(images.count, batchSize);
  const steps = epochs * schedule.length;
  console.log(`model     ${parameters.count} parameters, ${optimizer.name}, ${steps} steps of ${batchSize}`);
  if (config.printPlan) console.log(formatPlan(step));
  if (config.printPlan || config.dryRun) return 0;

  using run = new TrainingRun({ recipe: "matched", config, gpu, data, epochs, steps });
  for (let epoch = 1; epoch <= epochs && !run.isInterrupted; epoch++) {
    images.setOrder(permutation(images.count, seed, epoch));
    for (const batch of schedule) {
      step.run(batch);
      if (step.index % config.logEvery === 0 || step.index === steps) {
        run.report(epoch, step.index, await step.readLosses());
        if (run.isInterrupted) break;
      }
    }
  }
  const build = (g: Graph, p: Parameters, x: Value) => model(g, p, x, architecture);
  return await run.finish(parameters, step.index, build, () => measureLevels(gpu, build, parameters, data));
}

if (import.meta.main) await runCommand(main);
