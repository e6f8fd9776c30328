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
import type { Dataset } from "../src/data/dataset.ts";
import { batches, permutation } from "../src/data/shuffle.ts";
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
import {
  choice,
  commonFlags,
  type Config,
  flag,
  optionalNumber,
  parseFlags,
  scheduleFlags,
} from "../src/run/flags.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
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
  const depth = sizes.length - 1, initializer = "glorot-uniform" as const;

  /** The values from level `from` inwards to the code and back out; the mirror of the k-th is the k-th from the end. */
  function route(start: Value, from: number, way = ""): Value[] {
    const values = [start];
    const named = (name: string) => ({ label: name + way, name, initializer, bias });
    for (let k = from; k < depth; k++) { //            [B, 784] → [B, 400] → [B, 200] → [B, 100] → [B, 50]
      const layer = { ...named(`encoder.${k}`), activation, outputs: sizes[k + 1] };
      values.push(dense(graph, parameters, values.at(-1)!, layer));
    }
    for (let k = depth - 1; k >= from; k--) { //                                 and back out the same way
      const isLogits = k === 0 && match !== "mse", weight = `encoder.${k}.weight`;
      const layer = { ...named(`decoder.${k}`), activation: isLogits ? "identity" : activation } as const;
      const x = values.at(-1)!, outputs = sizes[k];
      values.push(
        tied
          ? tiedDense(graph, parameters, x, { ...layer, weight })
          : dense(graph, parameters, x, { ...layer, outputs }),
      );
    }
    return values;
  }

  const values = route(pixels, 0), logits = values.at(-1)!; // of the pixels, unless squared errors are wanted
  const output = match === "mse" ? logits : activate(graph, logits, { label: "reconstruction", activation });
  const losses: LossTerm[] = [
    match === "mse"
      ? squaredError(graph, output, pixels, { label: "level.0", reduction })
      : binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "level.0", reduction }),
  ];
  for (let k = 1; k < depth && match !== "none"; k++) {
    const target = local ? detach(graph, values[k], { label: `level ${k} detached` }) : values[k];
    const mirror = local ? route(target, k, ` from level ${k}`).at(-1)! : values.at(-1 - k)!;
    const loss = match === "mse" ? squaredError : binaryCrossEntropy;
    losses.push(loss(graph, mirror, target, { label: `level.${k}`, reduction }));
  }
  const mirrors = [...values.slice(0, -1), output].toReversed();
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
  const isMeasured = !local || match === "mse";
  return {
    build,
    pytorch: { error: beside(isMeasured ? PYTORCH[local ? "local" : match] : undefined) },
    crossEntropy: match === "mse" ? undefined : { label: "level.0", per: "pixel" },
    rows: ({ gpu, parameters, data }) => measureLevels(gpu, build, parameters, data),
  };
}

async function main(): Promise<number> {
  const info = { name: "matched", description: "Trains the layer-matched autoencoder." };
  const config = parseFlags(info, flags, Deno.args);
  using training = await openTraining("matched", config);
  const { data, images } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate ?? RATES[config.match], epsilon: 1e-7 });
  const step = await training.compile(measured.build, optimizer);
  const schedule = batches(images.count, config.batchSize);
  const steps = config.epochs * schedule.length;
  const rate = training.rate(optimizer, steps);

  using run = await training.start({ ...measured, compiled: step, optimizer, epochs: config.epochs, steps });
  if (!run) return 0;
  for (let epoch = 1; epoch <= config.epochs && !run.isInterrupted; epoch++) {
    images.setOrder(permutation(images.count, config.seed, epoch));
    for (const batch of schedule) {
      step.run(batch, rate(step.index));
      if (run.isDue(step.index)) {
        await run.report(epoch, step.index, await step.readLosses());
        if (run.isInterrupted) break;
      }
    }
    await run.endEpoch(epoch, step.index);
  }
  return await run.finish(step.index);
}

if (import.meta.main) await runCommand(main);
