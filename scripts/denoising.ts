// The stacked autoencoder of stacked.ts with noise on its input while it trains, layer by layer, and a clean target.
// Source: the denoising autoencoder of the tutorial that the project re-tells: sizes, stages and figures of stacked.ts,
//         uniform noise on [0, 1) added to the pixels. On denoising, and on masking noise: Vincent et al. 2010.
// Run:    deno task denoising    (offline the same as: deno run --allow-read --allow-write=runs scripts/denoising.ts)
// Expect: on MNIST with --freeze stages end at 0.0088, 0.0093, 0.0104 and 0.0528, and a test error of 0.058 on clean
//         and 0.053 on noisy images. The clean ones are worse since the tutorial's noise shifts the mean of the input
//         by one half: clean images are not what it was trained on. Zero-mean noise, such as --noise gaussian:0.3, is
//         the better experiment. On --freeze see stacked.ts.
import type { Dataset } from "../src/data/dataset.ts";
import { permutation } from "../src/data/shuffle.ts";
import type { BuildModel } from "../src/graph/model.ts";
import { addNoise, type NoiseSpec, parseNoise } from "../src/layers/noise.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { type Config, text } from "../src/run/flags.ts";
import { measureLayerwise } from "../src/run/layerwise.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { sizesFor } from "../src/run/sizes.ts";
import { planStages } from "../src/run/stages.ts";
import { openTraining } from "../src/run/training.ts";
import { layerwiseFigures, WAYS } from "./layerwise_figures.ts";
import { ARCHITECTURE, flags as stackedFlags, type LayerwiseOptions, model } from "./stacked.ts";

/** The command line; each flag's default is the tutorial's figure. */
export const flags = {
  ...stackedFlags,
  noise: text("uniform:1", "noise on the input: uniform:AMPLITUDE, gaussian:DEVIATION or mask:SHARE"),
};

/** Noise on the input. Streams of different names are different noise. */
export function corruption(noise: NoiseSpec, seed: number, stream: string): LayerwiseOptions["corrupt"] {
  return (graph, pixels) => addNoise(graph, pixels, { label: "noisy pixels", noise, seed, stream });
}

/** The network of a stage, or of all, on images with the noise of a stream, or, without one, on clean ones. */
function network(config: Config<typeof flags>, width: number, stage?: number, stream?: string): BuildModel {
  const sizes = sizesFor(config.sizes, ARCHITECTURE.sizes, width);
  const corrupt = stream === undefined
    ? undefined
    : corruption(parseNoise(config.noise), config.seed, stream);
  return (g, p, x) => model(g, p, x, { ...ARCHITECTURE, sizes, stage, corrupt });
}

/** The network that the flags say and that of each of its stages; their rows, and what PyTorch's reach. */
export function fromConfig(config: Config<typeof flags>, { width }: Dataset): Measured {
  return measureLayerwise({
    network: (stage, stream) => network(config, width, stage, stream),
    noise: config.noise,
    pytorch: layerwiseFigures("denoising", config),
    beside: besidePytorch(flags, config, WAYS),
  });
}

async function main(): Promise<number> {
  const info = { name: "denoising", description: "Trains the stacked autoencoder on noisy images." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  const planned = planStages(config);
  parseNoise(config.noise); // what is wrong with it is said before anything is opened
  using training = await openTraining("denoising", config);
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
