// The basic autoencoder: 784-128-784, sigmoid; it overfits one fixed batch of images.
// Source: the one-hidden-layer network that autoencoder tutorials begin with; the settings (Adam 1e-5, batch 32,
//         40,000 iterations on one batch) are those of the tutorial that this project reimplements.
// Run:    deno task basic    (or deno run --allow-read --allow-write=runs scripts/basic.ts; flags: --help)
//         --full-data --learning-rate 1e-3 trains on all images instead
// Expect: on MNIST a loss of 0.061 after 5,000 iterations, 0.035 after 10,000, 0.008 after 20,000 and 2e-4 after
//         40,000, and a test error of 0.044: 32 images are too few to generalize to other digits.
import { adam, dense, squaredError } from "../mod.ts"; // the network
import { activationFlag, adamFlags, codeFlag, type Flag, flag, InputError, integer } from "../mod.ts";
import { lastEpoch, openTraining, parseRecipe, type Recipe, recipe, runTraining, sizesFlag } from "../mod.ts";
import { trainingFlags } from "../mod.ts";

type Flags = Recipe["flags"] & { readonly iterations: Flag<number>; readonly fullData: Flag<boolean> };

export const basic: Recipe<Flags> = recipe({
  name: "basic",
  description: "Trains the basic autoencoder.",
  flags: {
    ...trainingFlags({ batchSize: 32, learningRate: 1e-5, logEvery: 500 }),
    iterations: integer(40_000, "number of training steps", { min: 1 }),
    ...adamFlags(),
    sizes: sizesFlag([784, 128]), // pixels and code
    activation: activationFlag("sigmoid", "the code"),
    code: codeFlag(),
    fullData: flag("train on all images instead of one fixed batch"),
  },
  architecture: {
    outputActivation: "sigmoid", // pixels are in [0, 1]
    bias: true,
    reduction: "mean", // squared error per pixel
  },
  network({ sizes, activation, outputActivation, bias, reduction }, { graph, parameters, pixels }) {
    const [width, outputs] = sizes, initializer = "glorot-uniform";
    if (sizes.length > 2) {
      throw new InputError(
        `Cannot use --sizes ${sizes}: expected two widths, pixels and code, but received ${sizes.length}; ` +
          "use the deep recipe for more layers",
      );
    }
    const code = dense(graph, parameters, pixels, {
      label: "encoder",
      outputs,
      activation,
      initializer,
      bias,
    });
    const output = dense(graph, parameters, code, {
      ...{ label: "decoder", outputs: width, activation: outputActivation, initializer, bias },
    }); //                                                                    [B, 128] → [B, 784]
    return { code, output, losses: [squaredError(graph, output, pixels, { label: "loss", reduction })] };
  },
  optimizer: adam,
  evaluation: () => ({
    rows({ metrics }) {
      const unit = "squared error per pixel, training images";
      return [{ label: "loss, last report", value: lastEpoch(metrics).loss, digits: 6, unit }];
    },
  }),
  checks: ["", "--code 2"],
  comparison: "--full-data --learning-rate 1e-3",
});

async function main(args: readonly string[]): Promise<number> {
  const config = parseRecipe(basic, args);
  const { batchSize, iterations, fullData } = config;
  const oneBatch = { images: batchSize, shuffles: false }; // an epoch of one step
  using training = await openTraining(basic, config, {
    ...(fullData ? {} : oneBatch),
    steps: iterations,
    measurements: 20,
  });
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
