// The layer-matched autoencoder: 784-400-200-100-50, sigmoid; each decoder activation is trained to match its encoder
// activation.
// Source: a question-and-answer thread that this project reimplements (maths in docs/recipes/matched.md): the loss is
//         the sum over levels of the loss between encoder and decoder activation, with gradients into both; Glorot
//         uniform, biases 0, batch 128, Adam with ε 1e-7.
// Run:    deno task matched    (or deno run --allow-read --allow-write=runs scripts/matched.ts; flags: --help)
// Expect: on MNIST after 5 epochs a test error of 0.0676, that of the mean image (PyTorch: 0.055 to 0.068), and 0.050
//         with --match none. A collapsed network has a small error at every level; the printed spread reveals it.
import { activation as activate, type ActivationLike, adam, binaryCrossEntropy } from "../mod.ts";
import { binaryCrossEntropyWithLogits, dense, detach, type LossTerm, squaredError } from "../mod.ts";
import { tiedDense, type Value } from "../mod.ts";
import { activationFlag, adamFlags, choice, flag, InputError, measureLevels, openTraining } from "../mod.ts";
import { optionalNumber, parseRecipe, type Recipe, recipe, runTraining, sizesFlag } from "../mod.ts";
import { trainingFlags } from "../mod.ts";

/** Default learning rate for each value of `--match`. */
const RATES = { mse: 0.01, bce: 1e-4, none: 1e-3 };

export const matched: Recipe = recipe({
  name: "matched",
  description: "Trains the layer-matched autoencoder.",
  flags: {
    ...trainingFlags({ epochs: 5, batchSize: 128, learningRate: RATES.mse }),
    ...adamFlags({ epsilon: 1e-7 }),
    sizes: sizesFlag([784, 400, 200, 100, 50]), // from pixels to code; the decoder mirrors them
    activation: activationFlag("sigmoid", "hidden layers and the code"),
    learningRate: optionalNumber("learning rate of the optimizer", {
      above: 0,
      absent: "0.01 for mse, 1e-4 for bce, 1e-3 for none",
    }),
    match: choice(["mse", "bce", "none"], "mse", "loss between encoder and decoder; none: pixel loss only"),
    local: flag("stop each level's gradient at that level"),
    tied: flag("tie the weights: each decoder weight is the transpose of its encoder weight"),
  },
  architecture: {
    outputActivation: "sigmoid", // pixels are in [0, 1]
    bias: true,
    reduction: "mean", // of each level's loss, per element
  },
  network(settings, { graph, parameters, pixels }) {
    const { sizes, activation, outputActivation, bias, reduction, match, local, tied } = settings;
    const depth = sizes.length - 1, isSquared = match === "mse";
    const outermost = isSquared ? outputActivation : "identity"; // the cross-entropy takes logits
    if (match === "bce" && activation !== "sigmoid") {
      throw new InputError(
        "Cannot use --match bce: expected --activation sigmoid, with values in (0, 1); or use --match mse",
      );
    }

    /** Activations from level `from` to the code and back; the k-th mirrors the k-th from the end. */
    function route(start: Value, from: number, way = ""): Value[] {
      const values = [start];
      const layer = (name: string, outputs: number, activation: ActivationLike) =>
        ({ label: name + way, name, outputs, activation, initializer: "glorot-uniform", bias }) as const;
      for (let k = from; k < depth; k++) { //            [B, 784] → [B, 400] → [B, 200] → [B, 100] → [B, 50]
        values.push(
          dense(graph, parameters, values.at(-1)!, layer(`encoder.${k}`, sizes[k + 1], activation)),
        );
      }
      for (let k = depth - 1; k >= from; k--) { //                                 and back through the mirrors
        const mirror = layer(`decoder.${k}`, sizes[k], k > 0 ? activation : outermost);
        const options = { ...mirror, weight: `encoder.${k}.weight` }; // read only if tied
        values.push((tied ? tiedDense : dense)(graph, parameters, values.at(-1)!, options));
      }
      return values;
    }

    const values = route(pixels, 0), last = values.at(-1)!;
    const output = isSquared
      ? last
      : activate(graph, last, { label: "reconstruction", activation: outputActivation });
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
  },
  optimizer: ({ match, learningRate = RATES[match], ...more }) => adam({ ...more, learningRate }),
  evaluation: ({ match }) => ({
    lossUnit: match === "mse" ? "squared error, mean" : "cross-entropy in nats, mean",
    crossEntropy: match === "mse" ? undefined : { label: "level.0", per: "pixel" },
    rows: ({ gpu, parameters, data, network }) =>
      measureLevels(gpu, network({ purpose: "encode" }), parameters, data),
  }),
  checks: [ // at a learning rate of 0.01 --local collapses, and a collapsed network has no gradients to check
    ...["", "--tied", "--local --learning-rate 1e-3", "--local --tied --learning-rate 1e-3"],
    ...["", " --tied", " --local", " --local --tied"].map((more) => `--match bce${more}`),
    ...["--match none", "--match none --tied"],
  ],
});

async function main(args: readonly string[]): Promise<number> {
  const config = parseRecipe(matched, args);
  using training = await openTraining(matched, config);
  const step = await training.compile();
  using run = await training.start(step);
  if (!run) return 0; //                                           --dry-run, --print-plan or --profile
  for await (const batch of run.batches(step)) {
    step.run(batch, training.rate(step.count));
    if (run.isDue(step)) await run.report(step.readLosses());
  }
  return await run.finish();
}

if (import.meta.main) await runTraining(main);
