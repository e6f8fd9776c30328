// The layer-matched autoencoder: 784-400-200-100-50, sigmoid; each encoder activation should equal its mirror.
// Source: the question and answer that the project re-tells (docs/recipes/matched.md has the maths): the loss is a sum
//         over levels of the loss between the encoder's activation and the decoder's, gradients flowing into both;
//         Glorot uniform, biases 0, batch 128, Adam with ε 1e-7.
// Run:    deno task matched    (offline the same as: deno run --allow-read --allow-write=runs scripts/matched.ts)
// Expect: on MNIST after 5 epochs a test error of 0.0676, that of the mean image (PyTorch: 0.055 to 0.068), and 0.050
//         with --match none. A collapse makes every level's error small; the spread that is printed beside it tells.
import type { Dataset } from "../src/data/dataset.ts";
import { permutation } from "../src/data/shuffle.ts";
import type { Graph, LossTerm, Reduction } from "../src/graph/graph.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { activation as activate } from "../src/layers/activation.ts";
import { dense } from "../src/layers/dense.ts";
import { detach } from "../src/layers/detach.ts";
import { tiedDense } from "../src/layers/tied_dense.ts";
import { binaryCrossEntropy } from "../src/losses/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogits } from "../src/losses/binary_cross_entropy_with_logits.ts";
import { squaredError } from "../src/losses/squared_error.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { type LevelledModel, measureLevels } from "../src/run/evaluate.ts";
import { choice, flag, optionalNumber } from "../src/run/flag_kinds.ts";
import { commonFlags, type Config, scheduleFlags } from "../src/run/flags.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { sizesFlag, sizesFor } from "../src/run/sizes.ts";
import { openTraining } from "../src/run/training.ts";

/** The learning rate of each kind of matching. */
export const RATES = { mse: 0.01, bce: 1e-4, none: 1e-3 };

/** The test errors that PyTorch reaches on MNIST with it. */
const PYTORCH = { mse: "0.055 to 0.068", bce: "0.0675", none: "0.0484 to 0.0499", local: "0.0702 to 0.0706" };

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

/** The command line; each flag's default is the source's figure. */
export const flags = {
  ...commonFlags({ epochs: 5, batchSize: 128, learningRate: RATES.mse }),
  ...scheduleFlags(),
  sizes: sizesFlag(ARCHITECTURE.sizes),
  learningRate: optionalNumber("Adam's step size", { above: 0, absent: "0.01 for mse, 1e-4 bce, 1e-3 none" }),
  match: choice(["mse", "bce", "none"], "mse", "loss between a level's two sides; none: only the pixels'"),
  local: flag("stop each level's gradient at that level"),
  tied: flag("let each decoder layer read the transposed weight of its encoder layer"),
};

/** Records the network; `levels` are the encoder's activations and their mirrors, from the pixels inwards. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  architecture = ARCHITECTURE,
): LevelledModel {
  const { sizes, activation, bias, reduction, match, local, tied } = architecture;
  const depth = sizes.length - 1, isSquared = match === "mse";
  const outermost = isSquared ? activation : "identity"; // cross-entropy wants logits

  /** The values from level `from` to the code and back out; the mirror of the k-th is the k-th from the end. */
  function route(start: Value, from: number, way = ""): Value[] {
    const values = [start];
    const layer = (name: string, outputs: number, activation: Activation) =>
      ({ label: name + way, name, outputs, activation, initializer: "glorot-uniform", bias }) as const;
    for (let k = from; k < depth; k++) { //            [B, 784] → [B, 400] → [B, 200] → [B, 100] → [B, 50]
      values.push(dense(graph, parameters, values.at(-1)!, layer(`encoder.${k}`, sizes[k + 1], activation)));
    }
    for (let k = depth - 1; k >= from; k--) { //                                 and back out the same way
      const mirror = layer(`decoder.${k}`, sizes[k], k > 0 ? activation : outermost);
      const options = { ...mirror, weight: `encoder.${k}.weight` }; // the weight is read only if tied
      values.push((tied ? tiedDense : dense)(graph, parameters, values.at(-1)!, options));
    }
    return values;
  }

  const values = route(pixels, 0), last = values.at(-1)!;
  const output = isSquared ? last : activate(graph, last, { label: "reconstruction", activation });
  const mirrors = values.with(-1, output).toReversed(); // of the pixels, of level 1, …
  const pixelLoss = isSquared ? squaredError : binaryCrossEntropyWithLogits;
  const levelLoss = isSquared ? squaredError : binaryCrossEntropy;
  const losses: LossTerm[] = [pixelLoss(graph, last, pixels, { label: "level.0", reduction })];
  for (let k = 1; k < depth && match !== "none"; k++) {
    const target = local ? detach(graph, values[k], { label: `level ${k} detached` }) : values[k];
    const mirror = local ? route(target, k, ` from level ${k}`).at(-1)! : mirrors[k];
    losses.push(levelLoss(graph, mirror, target, { label: `level.${k}`, reduction }));
  }
  const levels = values.slice(0, depth).map((encoded, k) => ({ encoded, decoded: mirrors[k] }));
  return { code: values[depth], output, losses, levels };
}

/** The network that the flags say, for images of the data's width; its levels, and what PyTorch's reaches. */
export function fromConfig(config: Config<typeof flags>, { width }: Dataset): Measured {
  const { match, local, tied } = config;
  const sizes = sizesFor(config.sizes, ARCHITECTURE.sizes, width);
  const build = (g: Graph, p: Parameters, x: Value) =>
    model(g, p, x, { ...ARCHITECTURE, sizes, match, local, tied });
  const beside = besidePytorch(flags, config, ["match", "local"]);
  return {
    build,
    pytorch: { error: beside(!local ? PYTORCH[match] : match === "mse" ? PYTORCH.local : undefined) },
    crossEntropy: match === "mse" ? undefined : { label: "level.0", per: "pixel" },
    rows: ({ gpu, parameters, data }) => measureLevels(gpu, build, parameters, data),
  };
}

async function main(): Promise<number> {
  const info = { name: "matched", description: "Trains the layer-matched autoencoder." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  using training = await openTraining("matched", config);
  const { data, images, schedule } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate ?? RATES[config.match], epsilon: 1e-7 });
  const step = await training.compile(measured.build, optimizer);
  const steps = config.epochs * schedule.length, rate = training.rate(optimizer, steps);

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
