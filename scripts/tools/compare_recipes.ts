// All recipes side by side: each is trained for the same time, or for as many steps, and measured on the test images.
// Run:    deno task compare-recipes    (offline the same as: deno run --allow-read scripts/tools/compare_recipes.ts)
// Flags:  --minutes 3 is the training time of all together; how far each gets in it is the machine's doing, and no two
//         runs are equal. --steps 500 gives every recipe as many steps instead, and repeats to the bit.
// Expect: errors per pixel compare; losses do not, as each recipe has its own. Recipes that are trained layer by layer
//         divide their share among the stages as their epochs are. Ctrl-C prints what there is.
import type { Dataset } from "../../src/data/dataset.ts";
import { batches, permutation } from "../../src/data/shuffle.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { perImage, type Step } from "../../src/graph/step.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { runCommand, watchInterrupt } from "../../src/run/command.ts";
import { evaluate } from "../../src/run/evaluate.ts";
import { commonFlags, flag, number, optionalInteger, parseFlags } from "../../src/run/flags.ts";
import { openDataset } from "../../src/run/open_dataset.ts";
import { computingOn, openGpuWith } from "../../src/run/open_gpu.ts";
import { type Contender, contenders } from "./contenders.ts";

const common = commonFlags({ epochs: 1, batchSize: 1, learningRate: 1 });
const { seed, dataset, dataDir, data, label, testFraction, limit, kernels } = common;

/** The command line. */
export const flags = {
  minutes: number(3, "training time of all recipes together", { above: 0 }),
  steps: optionalInteger("steps of each recipe, however long they take", {
    min: 1,
    absent: "none: --minutes",
  }),
  json: flag("print one line of JSON in place of the table"),
  ...{ seed, dataset, dataDir, data, label, testFraction, limit, kernels },
};

/** One line of the comparison. */
export interface ComparisonRow {
  /** The recipe's name. */
  readonly recipe: string;
  /** Numbers in its code. */
  readonly code: number;
  /** Squared error per pixel, mean over the test images. */
  readonly error: number;
  /** The same of PCA with the same code size. */
  readonly pca: number;
  /** Share of the test codes that the 5 nearest training codes classify rightly; absent without classes. */
  readonly accuracy?: number | undefined;
  /** The recipe's own loss while training, in its `unit`: the mean of its last steps, at most {@link WAIT} of them. */
  readonly loss: number;
  /** What the loss is measured in. */
  readonly unit: string;
  /** Milliseconds of a step, waits included. */
  readonly stepMilliseconds: number;
  /** Steps that were done. */
  readonly steps: number;
}

/** How long each recipe is trained, and from which seed. */
export interface Budget {
  /** Seed of weights, shuffles and noise. */
  readonly seed: number;
  /** Milliseconds of each recipe; looked at after every {@link WAIT} steps. */
  readonly milliseconds: number;
  /** Most steps of each recipe. */
  readonly steps: number;
}

/** Steps between two waits for the GPU, each of which costs 10 ms and more. */
export const WAIT = 50;

/**
 * Trains a recipe from the start, and measures it.
 *
 * @param data what it is trained and measured on
 * @param isInterrupted looked at after every {@link WAIT} steps: true ends the training, and what there is is measured
 */
export async function train(
  gpu: Gpu,
  data: Dataset,
  recipe: string,
  { batchSize, optimizer, stages, measured, unit, isPerImage }: Contender,
  budget: Budget,
  isInterrupted: () => boolean = () => false,
): Promise<ComparisonRow> {
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);
  using parameters = new Parameters(budget.seed);
  using owned = new DisposableStack();
  const recorded = stages.map(({ build }) => {
    const graph = new Graph(batchSize);
    return { graph, ...build(graph, parameters, gatherBatch(graph, "pixels", images)) };
  });
  const steps: Step[] = []; // all are recorded before the first is compiled, which lays the parameters out
  for (const { graph, losses } of recorded) {
    const trainable = [...new Set(graph.nodes.flatMap(({ parameters }) => parameters))];
    const options = { label: recipe, losses, trainable, optimizer };
    steps.push(owned.use(await compile(gpu, graph, parameters, options)));
  }

  const schedule = batches(images.count, batchSize);
  const epochs = stages.reduce((sum, { epochs }) => sum + epochs, 0);
  const start = performance.now();
  let done = 0, share = 0, loss = NaN;
  for (const [k, step] of steps.entries()) {
    share += stages[k].epochs / epochs;
    while (
      done < Math.round(share * budget.steps) && performance.now() - start < share * budget.milliseconds &&
      !isInterrupted()
    ) {
      for (let n = 0; n < WAIT && done < Math.round(share * budget.steps); n++, done++) {
        if (done % schedule.length === 0) {
          images.setOrder(permutation(images.count, budget.seed, 1 + done / schedule.length));
        }
        step.run(schedule[done % schedule.length]);
      }
      const reading = await step.readLosses();
      const { mean } = isPerImage ? perImage(reading) : reading;
      loss = recorded[k].losses.reduce((sum, { label, weight }) => sum + weight * mean[label], 0);
    }
  }
  const stepMilliseconds = (performance.now() - start) / done;
  const { error, pcaError: pca, accuracy, codeSize } = await evaluate(gpu, measured, parameters, data);
  return { recipe, code: codeSize, error, pca, accuracy, loss, unit, stepMilliseconds, steps: done };
}

/** The rows as an aligned table. */
export function formatComparison(rows: readonly ComparisonRow[]): string {
  const cells = [
    ["recipe", "code", "test error", "PCA", "5-NN", "ms/step", "steps", "own loss", ""],
    ...rows.map(({ recipe, code, error, pca, accuracy, loss, unit, stepMilliseconds, steps }) => [
      recipe,
      `${code}`,
      error.toFixed(5),
      pca.toFixed(5),
      accuracy?.toFixed(3) ?? "–",
      stepMilliseconds.toFixed(2),
      `${steps}`,
      loss.toPrecision(4),
      unit,
    ]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const isText = (column: number) => column === 0 || column === cells[0].length - 1;
  return cells.map((row) =>
    row.map((cell, k) => isText(k) ? cell.padEnd(widths[k]) : cell.padStart(widths[k])).join("  ").trimEnd()
  ).join("\n");
}

async function main(): Promise<number> {
  const about = {
    name: "compare-recipes",
    description: "Trains all recipes for a while, and compares them.",
  };
  const config = parseFlags(about, flags, Deno.args);
  using gpu = await openGpuWith(config.kernels);
  console.log(computingOn(gpu));
  const data = await openDataset(config);
  const all = Object.entries(contenders(data, config.seed));
  const milliseconds = config.steps === undefined ? config.minutes * 60_000 / all.length : Infinity;
  const budget = { seed: config.seed, milliseconds, steps: config.steps ?? Infinity };
  using interrupt = watchInterrupt();
  const rows: ComparisonRow[] = [];
  for (const [recipe, contender] of all) {
    if (interrupt.requested) break;
    console.error(`training ${recipe}`);
    rows.push(await train(gpu, data, recipe, contender, budget, () => interrupt.requested));
  }
  if (config.json) console.log(JSON.stringify(rows));
  else console.log(`test error and PCA: squared error per pixel, test images\n${formatComparison(rows)}`);
  return interrupt.exitCode;
}

if (import.meta.main) await runCommand(main);
