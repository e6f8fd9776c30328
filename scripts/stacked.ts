// The stacked autoencoder, trained layer by layer: 784-1000-500-250-3 and its mirror, sigmoid, no bias. Stage k sends
// the pixels through encoders 0..k and decoders k..0; its loss compares the output with the pixels.
// Source: the stacked autoencoder of the tutorial that this project reimplements: Glorot uniform weights, Adam 1e-3,
//         batch 32, 20 epochs in stages of 2, 2, 2 and 14. Greedy layer-wise training: Bengio et al. 2007.
// Run:    deno task stacked    (or deno run --allow-read --allow-write=runs scripts/stacked.ts; flags: --help)
// Expect: on MNIST a test error of 0.030, and 88 % of the test codes classified correctly (PyTorch's figures). A stage
//         trains all layers that it uses, as the tutorial's code does, unlike its text. With --freeze it trains only
//         its own pair, and the code is no better than PCA's (0.052); see docs/recipes/stacked.md.
import { type ActivationLike, adam, dense, type Model, type NetworkContext, type Reduction } from "../mod.ts";
import { squaredError, type Value } from "../mod.ts";
import { activationFlag, adamFlags, layerwiseEvaluation, openTraining, parseRecipe } from "../mod.ts";
import { planStages, type Recipe, recipe, runTraining, stageFlags, trainingFlags } from "../mod.ts";

/** Settings of a layer-wise network, shared with denoising.ts and sparse.ts. */
export interface LayerwiseSettings {
  readonly sizes: readonly number[]; // widths from pixels to code; the decoder mirrors them
  readonly activation: ActivationLike; // of hidden layers and the code
  readonly outputActivation: ActivationLike;
  readonly bias: boolean;
  readonly reduction: Reduction; // of the squared error
}

/** Records a stage's network, or the whole one, on `input` or the pixels. The target is always the clean pixels. */
export function layerwiseNetwork(settings: LayerwiseSettings, context: NetworkContext, input?: Value): Model {
  const { sizes, activation, outputActivation, bias, reduction } = settings;
  const { graph, parameters, pixels, stage = sizes.length - 2 } = context;
  const layer = (label: string, x: Value, outputs: number, activation: ActivationLike) =>
    dense(graph, parameters, x, { label, outputs, activation, initializer: "glorot-uniform", bias });

  let code = input ?? pixels; //                  [B, 784]
  for (let k = 0; k <= stage; k++) { //           → [B, 1000] → … → [B, sizes[stage + 1]]
    code = layer(`ae.${k}.encoder`, code, sizes[k + 1], activation);
  }
  let output = code;
  for (let k = stage; k >= 0; k--) { //           → … → [B, 1000] → [B, 784]
    output = layer(`ae.${k}.decoder`, output, sizes[k], k > 0 ? activation : outputActivation);
  }
  return {
    code,
    output,
    losses: [squaredError(graph, output, pixels, { label: "reconstruction", reduction })],
  };
}

export const stacked: Recipe = recipe({
  name: "stacked",
  description: "Trains the stacked autoencoder, layer by layer.",
  flags: {
    ...trainingFlags({ batchSize: 32, learningRate: 1e-3 }),
    ...adamFlags(),
    ...stageFlags([784, 1000, 500, 250, 3], [2, 2, 2, 14]),
    activation: activationFlag("sigmoid", "hidden layers and the code"),
  },
  architecture: {
    outputActivation: "sigmoid", // pixels are in [0, 1]
    bias: false,
    reduction: "mean", // squared error per pixel
  },
  stages: planStages,
  network: (settings, context) => layerwiseNetwork(settings, context),
  optimizer: adam,
  evaluation: () => layerwiseEvaluation(),
});

async function main(args: readonly string[]): Promise<number> {
  const config = parseRecipe(stacked, args);
  using training = await openTraining(stacked, config);
  const stages = await training.compileStages(); //                one step per stage, each with its own Adam state
  using run = await training.start(stages);
  if (!run) return 0; //                                           --dry-run, --print-plan or --profile
  for (const { step, rate } of stages) {
    for await (const batch of run.batches(step)) {
      step.run(batch, rate(step.count));
      if (run.isDue(step)) await run.report(step.readLosses());
    }
  }
  return await run.finish();
}

if (import.meta.main) await runTraining(main);
