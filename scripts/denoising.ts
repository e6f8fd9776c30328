// The stacked autoencoder of stacked.ts with noise on its input while it trains, layer by layer, and a clean target.
// Source: the denoising autoencoder of the tutorial that the project re-tells: sizes, stages and figures of stacked.ts,
//         uniform noise on [0, 1) added to the pixels. On denoising, and on masking noise: Vincent et al. 2010.
// Run:    deno task denoising    (offline the same as: deno run --allow-read --allow-write=runs scripts/denoising.ts)
// Expect: on MNIST with --freeze stages end at 0.0088, 0.0093, 0.0104 and 0.0528, and a test error of 0.058 on clean
//         and 0.053 on noisy images. The clean ones are worse since the tutorial's noise shifts the mean of the input
//         by one half: clean images are not what it was trained on. Zero-mean noise, such as --noise gaussian:0.3, is
//         the better experiment. On --freeze see stacked.ts.
import { batches, permutation } from "../src/data/shuffle.ts";
import { openGpu } from "../src/gpu/device.ts";
import type { BuildModel } from "../src/graph/model.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { DeviceImages } from "../src/layers/gather_batch.ts";
import { addNoise, type NoiseSpec, parseNoise } from "../src/layers/noise.ts";
import { adam } from "../src/optim/adam.ts";
import type { TableRow } from "../src/report/closing_table.ts";
import { codeRanges } from "../src/report/code_ranges.ts";
import { runCommand } from "../src/run/command.ts";
import { measureLosses } from "../src/run/evaluate.ts";
import { parseFlags, text } from "../src/run/flags.ts";
import { openDataset } from "../src/run/open_dataset.ts";
import {
  compileStages,
  EpochLosses,
  formatPlans,
  planStages,
  sizesFor,
  stageRow,
} from "../src/run/stages.ts";
import { TrainingRun } from "../src/run/training_run.ts";
import { ARCHITECTURE, flags as stackedFlags, fromConfig, type LayerwiseOptions, model } from "./stacked.ts";

export { fromConfig }; // it is measured as stacked.ts is: clean images, all layers

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...stackedFlags,
  noise: text("uniform:1", "noise on the input: uniform:AMPLITUDE, gaussian:DEVIATION or mask:SHARE"),
};

/** What PyTorch's stages end at on MNIST with the default flags and --freeze. */
const PYTORCH = ["0.0088", "0.0093", "0.0104", "0.0528"];

/** Noise on the input. Streams of different names are different noise. */
export function corruption(noise: NoiseSpec, seed: number, stream: string): LayerwiseOptions["corrupt"] {
  return (graph, pixels) => addNoise(graph, pixels, { label: "noisy pixels", noise, seed, stream });
}

/** Rows for the errors on clean and on noisy test images, which differ where noise shifts the mean. */
export function cleanAndNoisy(clean: number, noisy: number, noise: string): TableRow[] {
  return [
    { label: "from clean images", value: clean, digits: 5, unit: "squared error per pixel, test images" },
    { label: "from noisy images", value: noisy, digits: 5, unit: `the same, with ${noise}` },
  ];
}

async function main(): Promise<number> {
  const info = { name: "denoising", description: "Trains the stacked autoencoder on noisy images." };
  const config = parseFlags(info, flags, Deno.args);
  const planned = planStages(config);
  const noise = parseNoise(config.noise);
  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const data = await openDataset(config);
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);

  using parameters = new Parameters(config.seed);
  using owned = new DisposableStack();
  const optimizer = adam({ learningRate: config.learningRate });
  const sizes = sizesFor(config.sizes, ARCHITECTURE.sizes, data.width);
  const noisy = (stage: number | undefined, stream: string): BuildModel => {
    const corrupt = corruption(noise, config.seed, stream);
    return (g, p, x) => model(g, p, x, { ...ARCHITECTURE, sizes, stage, corrupt });
  };
  const build = (stage: number | undefined) => noisy(stage, `noise of stage ${stage}`); // which counts steps from 1
  const options = { ...config, gpu, images, parameters, optimizer, owned, build };
  const stages = await compileStages(planned, options);
  const schedule = batches(images.count, config.batchSize);
  const epochs = stages.reduce((sum, { epochs }) => sum + epochs, 0);
  const steps = epochs * schedule.length;
  console.log(
    `model     ${parameters.count} parameters, ${optimizer.name}, ${steps} steps of ${config.batchSize}`,
  );
  if (config.printPlan) console.log(formatPlans(stages));
  if (config.printPlan || config.dryRun) return 0;

  using run = new TrainingRun({ recipe: "denoising", config, gpu, data, epochs, steps });
  const losses = new EpochLosses();
  const rows: TableRow[] = [];
  let epoch = 0, before = 0; // steps of earlier stages
  for (const { label, stage, epochs, step } of stages) {
    if (run.isInterrupted) break;
    for (let k = 0; k < epochs && !run.isInterrupted; k++) {
      images.setOrder(permutation(images.count, config.seed, ++epoch));
      for (const batch of schedule) {
        step.run(batch);
        if (step.index % config.logEvery === 0 || batch === schedule.at(-1)) {
          const reading = await step.readLosses();
          losses.add(epoch, reading);
          run.report(epoch, before + step.index, reading, stage === undefined ? {} : { stage });
          if (run.isInterrupted) break;
        }
      }
    }
    before += step.index;
    const pytorch = config.freeze ? PYTORCH[stage ?? NaN] : undefined;
    rows.push(stageRow(label, losses.mean.reconstruction, "squared error per pixel", pytorch));
  }
  return await run.finish(parameters, before, fromConfig(config, data.width), async (result) => {
    const build = noisy(undefined, "noise of the test");
    const { reconstruction } = await measureLosses(gpu, build, parameters, data.test.images, data.width);
    return [
      ...cleanAndNoisy(result.error, reconstruction, config.noise),
      ...rows,
      ...codeRanges(result.codes, result.codeSize),
    ];
  });
}

if (import.meta.main) await runCommand(main);
