// The stacked autoencoder of stacked.ts, trained layer by layer on noisy inputs with clean targets.
// Source: the denoising autoencoder of the tutorial that this project reimplements: the sizes, stages and settings of
//         stacked.ts, plus uniform noise on [0, 1) on the pixels. Denoising and masking noise: Vincent et al. 2010.
// Run:    deno task denoising    (or deno run --allow-read --allow-write=runs scripts/denoising.ts; flags: --help)
// Expect: on MNIST with --freeze, stage losses of 0.0088, 0.0093, 0.0104 and 0.0528, and a test error of 0.058 on clean
//         and 0.053 on noisy images. Clean images do worse because the tutorial's noise shifts the mean of the input
//         by one half, so they are out of distribution. Zero-mean noise, such as --noise gaussian:0.3, is the better
//         experiment. stacked.ts explains --freeze.
import { adam, corruptPixels } from "../mod.ts"; // the network
import { activationFlag, adamFlags, layerwiseEvaluation, noiseFlag, openTraining } from "../mod.ts";
import { parseRecipe, planStages, type Recipe, recipe, runTraining, stageFlags } from "../mod.ts";
import { trainingFlags } from "../mod.ts";
import { layerwiseNetwork } from "./stacked.ts";

export const denoising: Recipe = recipe({
  name: "denoising",
  description: "Trains the stacked autoencoder on noisy images.",
  flags: {
    ...trainingFlags({ batchSize: 32, learningRate: 1e-3 }),
    ...adamFlags(),
    ...stageFlags([784, 1000, 500, 250, 3], [2, 2, 2, 14]),
    activation: activationFlag("sigmoid", "hidden layers and the code"),
    noise: noiseFlag("uniform:1"), // on the pixels
  },
  architecture: { outputActivation: "sigmoid", bias: false, reduction: "mean" },
  stages: planStages,
  network(settings, context) {
    return layerwiseNetwork(settings, context, corruptPixels(context, settings.noise)); // [B, 784]; clean target
  },
  optimizer: adam,
  evaluation: ({ noise }) => layerwiseEvaluation({ noise }),
  checks: ["--end-to-end", "--noise gaussian:0.3 --end-to-end", "--noise mask:0.25 --end-to-end"],
  comparison: "",
});

async function main(args: readonly string[]): Promise<number> {
  const config = parseRecipe(denoising, args);
  using training = await openTraining(denoising, config);
  const stages = await training.compileStages(); //                one step per stage, each with its own Adam state
  using run = await training.start(stages);
  if (!run) return 0; //                                           --dry-run, --print-plan or --profile
  for (const { step, rate } of stages) {
    for await (const batch of run.batches(step)) { //              new noise at every step
      step.run(batch, rate(step.count));
      if (run.isDue(step)) await run.report(step.readLosses());
    }
  }
  return await run.finish();
}

if (import.meta.main) await runTraining(main);
