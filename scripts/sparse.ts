// The sparse autoencoder, trained layer by layer: 784-128-128-128-3, noise on the input, and the sparsity penalty
// 7.5e-5 · Σ_j KL(ρ ‖ ρ̂_j), which pulls the mean activation of each unit of a stage's code to ρ = 0.05.
// Source: the sparse autoencoder of the tutorial that this project reimplements: Adam 1e-3, batch 32, stages of 4, 4, 4
//         and 8 epochs, uniform noise on [0, 1). The penalty: Ng, CS294A lecture notes, section 3. The tutorial's text
//         has that formula; its code omits the logarithm (x·x/y for x·log(x/y)), which has the same minimum but a
//         floor of 1 per unit: its "KL fell to 0" says only that the last code has 3 units. This recipe has the log.
// Run:    deno task sparse    (or deno run --allow-read --allow-write=runs scripts/sparse.ts; flags: --help)
// Expect: on MNIST stage losses of 0.0136, 0.0137, 0.0136 and 0.038 (with --freeze 0.0136, 0.0149, 0.0160 and 0.052),
//         penalty included, and a test error of 0.044 to 0.048 on clean and 0.037 on noisy images, as in denoising.ts.
//         At this weight mean activations stay far from ρ, at 0.13 to 0.28, and 0.4 to 0.5 in the last code: try
//         --sparsity-weight 1e-3. Without --freeze a code drifts away from ρ after its own stage: no penalty holds it.
import { adam, corruptPixels, sparsityKl } from "../mod.ts"; // the network
import { adamFlags, layerwiseEvaluation, measureSparsity, noiseFlag, number, openTraining } from "../mod.ts";
import { parseRecipe, planStages, type Recipe, recipe, runTraining, sparsityRows } from "../mod.ts";
import { stageFlags, trainingFlags } from "../mod.ts";
import { layerwiseNetwork } from "./stacked.ts";

export const sparse: Recipe = recipe({
  name: "sparse",
  description: "Trains the sparse autoencoder, layer by layer.",
  flags: {
    ...trainingFlags({ batchSize: 32, learningRate: 1e-3 }),
    ...adamFlags(),
    ...stageFlags([784, 128, 128, 128, 3], [4, 4, 4, 8]),
    noise: noiseFlag("uniform:1"), // on the pixels
    rho: number(0.05, "target mean activation ρ of each code unit", { above: 0, below: 1 }),
    sparsityWeight: number(7.5e-5, "weight of the KL sparsity penalty in the loss", { min: 0 }),
  },
  architecture: {
    outputActivation: "sigmoid",
    bias: false,
    reduction: "mean",
    activation: "sigmoid", // no flag: mean activations are to be ρ, which lies in (0, 1)
  },
  stages: planStages,
  network(settings, context) {
    const { rho, sparsityWeight: weight, noise } = settings;
    const model = layerwiseNetwork(settings, context, corruptPixels(context, noise));
    const penalty = sparsityKl(context.graph, model.code, { label: "sparsity", sparsity: rho, weight });
    return { ...model, losses: [...model.losses, penalty] };
  },
  optimizer: adam,
  evaluation: ({ noise, sizes, sparsityWeight, rho }) => ({
    ...layerwiseEvaluation({
      noise,
      penalty: sparsityWeight,
      rows: async ({ gpu, parameters, data: { test, width }, network }) => {
        const rows = [], images = noise === "none" ? "test images" : "noisy test images";
        for (let stage = 0; stage < sizes.length - 1; stage++) {
          const noisy = network({ purpose: "test", stage });
          const found = await measureSparsity(gpu, noisy, parameters, test.images, width);
          rows.push(...sparsityRows(`code ${stage}`, found, images));
        }
        return rows;
      },
    }),
    sparsityTarget: rho,
  }),
  checks: ["", "--sparsity-weight 0.1 --end-to-end"],
});

async function main(args: readonly string[]): Promise<number> {
  const config = parseRecipe(sparse, args);
  using training = await openTraining(sparse, config);
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
