// The stacked autoencoder, trained layer by layer: 784-1000-500-250-3 and its mirror, sigmoid, no bias. Stage k sends
// the pixels through encoders 0..k and decoders k..0, and is measured on the pixels.
// Source: the stacked autoencoder of the tutorial that the project re-tells: Glorot uniform weights, Adam 1e-3, batch
//         32, 20 epochs in stages of 2, 2, 2 and 14. On greedy training: Bengio et al. 2007.
// Run:    deno task stacked    (offline the same as: deno run --allow-read --allow-write=runs scripts/stacked.ts)
// Expect: on MNIST a test error of 0.030, and 88 % of the test codes classified rightly (PyTorch's figures). A stage
//         trains all layers that it uses, as the tutorial's code does and its text does not; with --freeze only its
//         own pair, and the code is no better than PCA's (0.052). docs/recipes/stacked.md tells the whole story.
import type { Dataset } from "../src/data/dataset.ts";
import { permutation } from "../src/data/shuffle.ts";
import type { Graph, Reduction } from "../src/graph/graph.ts";
import type { BuildModel, Model } from "../src/graph/model.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import type { Activation, Value } from "../src/graph/tensor.ts";
import { dense } from "../src/layers/dense.ts";
import { sparsityKl, type SparsityTerm } from "../src/losses/sparsity_kl.ts";
import { squaredError } from "../src/losses/squared_error.ts";
import { adam } from "../src/optim/adam.ts";
import { runCommand } from "../src/run/command.ts";
import { commonFlags, type Config, scheduleFlags } from "../src/run/flags.ts";
import { measureLayerwise } from "../src/run/layerwise.ts";
import type { Measured } from "../src/run/measured.ts";
import { besidePytorch } from "../src/run/pytorch_figures.ts";
import { parseRecipeFlags } from "../src/run/resume.ts";
import { sizesFor } from "../src/run/sizes.ts";
import { planStages, stageFlags } from "../src/run/stages.ts";
import { openTraining } from "../src/run/training.ts";
import { layerwiseFigures, WAYS } from "./layerwise_figures.ts";

/** The network: widths from pixels to code (the decoder mirrors them), and what follows each layer. */
export const ARCHITECTURE = {
  sizes: [784, 1000, 500, 250, 3] as readonly number[],
  activation: "sigmoid" as Activation, // of hidden layers and the code
  output: "sigmoid" as Activation, // of the last layer, as pixels are in [0, 1]
  bias: false,
  reduction: "mean" as Reduction, // of the squared error: per pixel
};

const { epochs: _sumOfStages, ...common } = commonFlags({ epochs: 20, batchSize: 32, learningRate: 1e-3 });

/** The command line; each flag's default is the tutorial's figure. */
export const flags = { ...common, ...scheduleFlags(), ...stageFlags(ARCHITECTURE.sizes, [2, 2, 2, 14]) };

/** What a layer-wise network is made of. */
export interface LayerwiseOptions extends Readonly<typeof ARCHITECTURE> {
  /** The innermost layer that is used, from 0; all layers if absent. */
  readonly stage?: number | undefined;
  /** What happens to the input. The target stays the pixels. */
  readonly corrupt?: ((graph: Graph, pixels: Value) => Value) | undefined;
  /** What mean activation the stage's code should have, and how much that weighs. */
  readonly sparsity?: { readonly rho: number; readonly weight: number } | undefined;
}

/** Records the network of a stage, or all of it. */
export function model(
  graph: Graph,
  parameters: Parameters,
  pixels: Value,
  options: LayerwiseOptions = ARCHITECTURE,
): Model & { readonly sparsity?: SparsityTerm | undefined } {
  const { sizes, activation, output: outputActivation, bias, reduction, corrupt, sparsity } = options;
  const stage = options.stage ?? sizes.length - 2;
  const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
    dense(graph, parameters, x, { label, outputs, activation, initializer: "glorot-uniform", bias });

  let code = corrupt ? corrupt(graph, pixels) : pixels; //    [B, 784]
  for (let k = 0; k <= stage; k++) { //                     → [B, 1000] → … → [B, sizes[stage + 1]]
    code = layer(`ae.${k}.encoder`, code, sizes[k + 1], activation);
  }
  let output = code;
  for (let k = stage; k >= 0; k--) { //                     → … → [B, 1000] → [B, 784]
    output = layer(`ae.${k}.decoder`, output, sizes[k], k > 0 ? activation : outputActivation);
  }
  const reconstruction = squaredError(graph, output, pixels, { label: "reconstruction", reduction });
  if (!sparsity) return { code, output, losses: [reconstruction] };
  const { rho, weight } = sparsity;
  const term = sparsityKl(graph, code, { label: "sparsity", sparsity: rho, weight });
  return { code, output, losses: [reconstruction, term], sparsity: term };
}

/** The network of a stage, or of all. */
function network(config: Config<typeof flags>, width: number, stage?: number): BuildModel {
  const options = { ...ARCHITECTURE, sizes: sizesFor(config.sizes, ARCHITECTURE.sizes, width), stage };
  return (graph, parameters, pixels) => model(graph, parameters, pixels, options);
}

/** The network that the flags say and that of each of its stages; their rows, and what PyTorch's reach. */
export function fromConfig(config: Config<typeof flags>, { width }: Dataset): Measured {
  return measureLayerwise({
    network: (stage) => network(config, width, stage),
    pytorch: layerwiseFigures("stacked", config),
    beside: besidePytorch(flags, config, WAYS),
  });
}

async function main(): Promise<number> {
  const info = { name: "stacked", description: "Trains the stacked autoencoder, layer by layer." };
  const config = parseRecipeFlags(info, flags, Deno.args);
  const planned = planStages(config);
  using training = await openTraining("stacked", config);
  const { data, images, schedule } = training;
  const measured = fromConfig(config, data);
  const optimizer = adam({ learningRate: config.learningRate });
  const trained = (stage: number | undefined) => network(config, data.width, stage);
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
