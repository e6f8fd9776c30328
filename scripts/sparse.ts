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
import type { Dataset } from "../src/data/dataset.ts";
import { permutation } from "../src/data/shuffle.ts";
import type { Graph } from "../src/graph/graph.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import type { Value } from "../src/graph/tensor.ts";
import { parseNoise } from "../src/layers/noise.ts";
import { adam } from "../src/optim/adam.ts";
import type { TableRow } from "../src/report/closing_table.ts";
import { runCommand } from "../src/run/command.ts";
import { type Config, number } from "../src/run/flags.ts";
import { measureLayerwise } from "../src/run/layerwise.ts";
import type { Measured } from "../src/run/measured.ts";
import { measureSparsity, sparsityRows } from "../src/run/measure_sparsity.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { sizesFor } from "../src/run/sizes.ts";
import { planStages, stageFlags } from "../src/run/stages.ts";
import { openTraining } from "../src/run/training.ts";
import { corruption, flags as denoisingFlags } from "./denoising.ts";
import { layerwiseFigures, WAYS } from "./layerwise_figures.ts";
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

/** The network of a stage, or of all, with its penalty; on images with the noise of a stream, or on clean ones. */
function network(config: Config<typeof flags>, width: number, stage?: number, stream?: string) {
  const { rho, sparsityWeight: weight, noise, seed } = config;
  const sizes = sizesFor(config.sizes, ARCHITECTURE.sizes, width);
  const corrupt = stream === undefined ? undefined : corruption(parseNoise(noise), seed, stream);
  const options = { ...ARCHITECTURE, sizes, stage, corrupt, sparsity: { rho, weight } };
  return (graph: Graph, parameters: Parameters, pixels: Value) => model(graph, parameters, pixels, options);
}

/** The network that the flags say and that of each of its stages; their rows, and what PyTorch's reach. */
export function fromConfig(config: Config<typeof flags>, { width }: Dataset): Measured {
  const measured = measureLayerwise({
    network: (stage, stream) => network(config, width, stage, stream),
    noise: config.noise,
    penalty: config.sparsityWeight,
    pytorch: layerwiseFigures("sparse", config),
    beside: besidePytorch(flags, config, WAYS),
    rows: async ({ gpu, parameters, data: { test } }) => {
      const rows: TableRow[] = [];
      for (let k = 0; k < config.sizes.length - 1; k++) {
        const noisy = network(config, width, k, "noise of the test");
        const term = (g: Graph, p: Parameters, x: Value) => noisy(g, p, x).sparsity!;
        rows.push(
          ...sparsityRows(`code ${k}`, await measureSparsity(gpu, term, parameters, test.images, width)),
        );
      }
      return rows;
    },
  });
  return { ...measured, sparsityTarget: config.rho };
}

async function main(): Promise<number> {
  const info = { name: "sparse", description: "Trains the sparse autoencoder, layer by layer." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  const planned = planStages(config);
  parseNoise(config.noise); // what is wrong with it is said before anything is opened
  using training = await openTraining("sparse", config);
  const { data, images, schedule } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate });
  const trained = (stage: number | undefined) =>
    network(config, data.width, stage, `noise of stage ${stage}`); // each counts its steps from 1
  const stages = await training.compileStages(planned, config.freeze, optimizer, trained);
  const epochs = planned.reduce((sum, { epochs }) => sum + epochs, 0);
  const steps = epochs * schedule.length;

  using run = await training.start({ ...measured, compiled: stages, optimizer, epochs, steps });
  if (!run) return 0;
  let before = 0; // steps of earlier stages
  for (const { stage, epochs, step, rate } of stages) {
    while (step.index < epochs * schedule.length && !run.isOver(stage)) {
      const epoch = 1 + Math.floor((before + step.index) / schedule.length);
      images.setOrder(permutation(images.count, config.seed, epoch));
      for (const batch of schedule.slice(step.index % schedule.length)) {
        step.run(batch, rate(step.index));
        if (run.isDue(before + step.index) || batch === schedule.at(-1)) {
          await run.report(epoch, before + step.index, step.readLosses(), { stage });
          if (run.isCutShort) break;
        }
      }
      await run.endEpoch(epoch, before + step.index, { stage });
    }
    before += step.index;
  }
  return await run.finish(before);
}

if (import.meta.main) await runCommand(main);
