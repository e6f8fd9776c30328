// The sparse autoencoder, trained layer by layer: 784-128-128-128-3, noise on the input, and a penalty that pulls the
// mean activation of each unit of a stage's code to ρ = 0.05: the divergence Σ_j KL(ρ ‖ ρ̂_j), 7.5e-5 times.
// Source: the sparse autoencoder of the tutorial that the project re-tells: Adam 1e-3, batch 32, stages of 4, 4, 4 and
//         8 epochs, uniform noise on [0, 1). On the penalty: Ng, CS294A lecture notes, section 3. The tutorial's text
//         has that formula; its code leaves the logarithm out (x·x/y for x·log(x/y)), which has the same minimum but a
//         floor of 1 for each unit: its "KL fell to 0" says only that the last code has 3 units. Here it has its log.
// Run:    deno task sparse    (offline the same as: deno run --allow-read --allow-write=runs scripts/sparse.ts)
// Expect: on MNIST stages end at 0.0136, 0.0137, 0.0136 and 0.038 (with --freeze 0.0136, 0.0149, 0.0160 and 0.052),
//         penalty included, and a test error of 0.044 to 0.048 on clean and 0.037 on noisy images, as in denoising.ts.
//         At this weight mean activations stay far from ρ, at 0.13 to 0.28, and 0.4 to 0.5 in the last code: try
//         --sparsity-weight 1e-3. Without --freeze a code drifts away from ρ after its own stage, as nothing holds it.
import { batches, permutation } from "../src/data/shuffle.ts";
import { openGpu } from "../src/gpu/device.ts";
import type { Graph } from "../src/graph/graph.ts";
import type { BuildModel } from "../src/graph/model.ts";
import { Parameters } from "../src/graph/parameters.ts";
import type { Value } from "../src/graph/tensor.ts";
import { DeviceImages } from "../src/layers/gather_batch.ts";
import { parseNoise } from "../src/layers/noise.ts";
import { adam } from "../src/optim/adam.ts";
import type { TableRow } from "../src/report/closing_table.ts";
import { codeRanges } from "../src/report/code_ranges.ts";
import { runCommand } from "../src/run/command.ts";
import { measureLosses } from "../src/run/evaluate.ts";
import { type Config, number, parseFlags } from "../src/run/flags.ts";
import { measureSparsity, sparsityRows } from "../src/run/measure_sparsity.ts";
import { openDataset } from "../src/run/open_dataset.ts";
import {
  compileStages,
  EpochLosses,
  formatPlans,
  planStages,
  sizesFor,
  stageFlags,
  stageRow,
} from "../src/run/stages.ts";
import { TrainingRun } from "../src/run/training_run.ts";
import { cleanAndNoisy, corruption, flags as denoisingFlags } from "./denoising.ts";
import { ARCHITECTURE as STACKED, model } from "./stacked.ts";

/** The network: that of stacked.ts, with other widths. */
export const ARCHITECTURE = { ...STACKED, sizes: [784, 128, 128, 128, 3] as readonly number[] };

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...denoisingFlags,
  ...stageFlags(ARCHITECTURE.sizes, [4, 4, 4, 8]),
  rho: number(0.05, "the mean activation that each unit of a code should have", { above: 0, below: 1 }),
  sparsityWeight: number(7.5e-5, "weight of the sparsity term, beside a squared error per pixel", { min: 0 }),
};

/** What PyTorch's stages end at on MNIST with the default flags. */
const PYTORCH = {
  greedy: ["0.0136", "0.0137", "0.0136", "0.0379 to 0.0383"],
  frozen: ["0.0136", "0.0149", "0.0160", "0.0519 to 0.0527"],
};

/** The network as it is measured: clean images, all layers. */
export function fromConfig({ sizes }: Config<typeof flags>, width: number): BuildModel {
  const options = { ...ARCHITECTURE, sizes: sizesFor(sizes, ARCHITECTURE.sizes, width) };
  return (graph, parameters, pixels) => model(graph, parameters, pixels, options);
}

async function main(): Promise<number> {
  const info = { name: "sparse", description: "Trains the sparse autoencoder, layer by layer." };
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
  const sparsity = { rho: config.rho, weight: config.sparsityWeight };
  const noisy = (stage: number | undefined, stream: string) => {
    const corrupt = corruption(noise, config.seed, stream);
    const network = { ...ARCHITECTURE, sizes, stage, corrupt, sparsity };
    return (g: Graph, p: Parameters, x: Value) => model(g, p, x, network);
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

  using run = new TrainingRun({ recipe: "sparse", config, gpu, data, epochs, steps });
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
    const { reconstruction, sparsity: divergence } = losses.mean;
    const pytorch = PYTORCH[config.freeze ? "frozen" : "greedy"][stage ?? NaN];
    const total = reconstruction + sparsity.weight * divergence;
    rows.push(stageRow(label, total, "squared error and penalty", pytorch));
    rows.push({
      label: "  squared error",
      value: reconstruction,
      digits: 5,
      unit: "per pixel, without the penalty",
    });
  }
  return await run.finish(parameters, before, fromConfig(config, data.width), async (result) => {
    const [test, stream] = [data.test.images, "noise of the test"];
    for (let k = 0; k < sizes.length - 1; k++) {
      const term = (g: Graph, p: Parameters, x: Value) => noisy(k, stream)(g, p, x).sparsity!;
      rows.push(...sparsityRows(`code ${k}`, await measureSparsity(gpu, term, parameters, test, data.width)));
    }
    const losses = await measureLosses(gpu, noisy(undefined, stream), parameters, test, data.width);
    return [
      ...cleanAndNoisy(result.error, losses.reconstruction, config.noise),
      ...rows,
      ...codeRanges(result.codes, result.codeSize),
    ];
  });
}

if (import.meta.main) await runCommand(main);
