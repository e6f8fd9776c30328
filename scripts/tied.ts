// The autoencoder with tied weights: 784-256-256-64-32, tanh, each decoder weight the transpose of its encoder's.
// Source: the tied autoencoder of the tutorial that this project reimplements: tanh everywhere, squared error summed
//         over pixels and batch, Adam 1e-3, batch 20, 30 epochs, weights uniform ±1/√n_in, biases 0; input and target
//         are the image minus the mean training image. Tied weights: Vincent et al. 2010, section 2.
// Run:    deno task tied    (or deno run --allow-read --allow-write=runs scripts/tied.ts; flags: --help)
// Expect: on MNIST a cost per batch of 424 after the first epoch and 268 to 274 after 30, a test error of 0.017 per
//         pixel (PCA with 32 components: 0.0168). The cost is a sum, so the learning rate is tuned to this batch size.
import { adam, dense, squaredError, subtractRow, tiedDense } from "../mod.ts"; // the network
import { activationFlag, adamFlags, lastEpoch, openTraining, parseRecipe, type Recipe } from "../mod.ts";
import { recipe, runTraining, sizesFlag, trainingFlags } from "../mod.ts";

export const tied: Recipe = recipe({
  name: "tied",
  description: "Trains the tied autoencoder.",
  flags: {
    ...trainingFlags({ epochs: 30, batchSize: 20, learningRate: 1e-3 }),
    ...adamFlags(),
    sizes: sizesFlag([784, 256, 256, 64, 32]), // from pixels to code
    activation: activationFlag("tanh", "hidden layers and the code"),
  },
  architecture: {
    outputActivation: "tanh", // centered pixels are in (-1, 1)
    bias: true,
    reduction: "sum", // squared error, summed over pixels and batch
  },
  network({ sizes, activation, outputActivation, bias, reduction }, { graph, parameters, pixels, data }) {
    const centered = subtractRow(graph, pixels, { label: "centered", row: data.meanImage }); // [B, 784] in (-1, 1)
    let code = centered;
    for (const [k, outputs] of sizes.slice(1).entries()) { //                                  → [B, 256] → … → [B, 32]
      const initializer = { uniform: 1 / Math.sqrt(code.width) };
      code = dense(graph, parameters, code, {
        label: `encoder.${k}`,
        outputs,
        activation,
        initializer,
        bias,
      });
    }
    let output = code;
    for (let k = sizes.length - 2; k >= 0; k--) { //                                           → … → [B, 256] → [B, 784]
      output = tiedDense(graph, parameters, output, {
        label: `decoder.${k}`,
        weight: `encoder.${k}.weight`,
        activation: k > 0 ? activation : outputActivation,
        initializer: { uniform: 0 }, // of the bias, the layer's only own parameter
        bias,
      });
    }
    const loss = squaredError(graph, output, centered, { label: "loss", reduction });
    return { code, output, target: centered, losses: [loss] };
  },
  optimizer: adam,
  evaluation: () => ({
    lossUnit: "squared error per image",
    lossIsPerBatch: true,
    rows({ metrics }) {
      const unit = "squared error summed over pixels and batch";
      return [{ label: "cost, last epoch", value: lastEpoch(metrics).loss, digits: 1, unit }];
    },
  }),
});

async function main(args: readonly string[]): Promise<number> {
  const config = parseRecipe(tied, args);
  using training = await openTraining(tied, config);
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
