// Compares all recipes: trains each for the same time, or the same number of steps, and evaluates it on the test images.
// Run:    deno task compare-recipes    (the same as: deno run --allow-read scripts/tools/compare_recipes.ts)
//         deno task compare-recipes deep ./mine.ts    compares two recipes, one of them your own script
// Flags:  --minutes 3 is the training time of all recipes together; the number of steps depends on the machine, so runs
//         are not reproducible. --steps 500 trains every recipe for 500 steps instead, and is bit-exact.
// Expect: errors per pixel are comparable; losses are not, as each recipe has its own. Layer-wise recipes divide their
//         budget among the stages in proportion to their epochs. Ctrl-C prints the rows so far.
import type { Dataset } from "../../src/data/dataset.ts";
import { batches, permutation } from "../../src/data/shuffle.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Step } from "../../src/step/step.ts";
import { InputError } from "../../src/errors.ts";
import { print, printError, printJson, printText } from "../../src/terminal.ts";
import { isSparsityTerm } from "../../src/losses/sparsity_kl.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { runCommand, watchInterrupt } from "../../src/cli/command.ts";
import { evaluate } from "../../src/evaluate/evaluate.ts";
import {
  commonFlags,
  flag,
  number,
  optionalInteger,
  parseFlags,
  positionals,
  readFlags,
} from "../../src/recipe/flags.ts";
import { openDataset } from "../../src/cli/open_dataset.ts";
import { computingOn, openGpuWith } from "../../src/cli/open_gpu.ts";
import { networkData, networkOf, type Recipe } from "../../src/recipe/recipe.ts";
import { allRecipes, findRecipe, RECIPE_HELP } from "./find_recipe.ts";
import type { Stage } from "../../src/recipe/stage_flags.ts";
import { perImage } from "../../src/step/loss_ring.ts";

const common = commonFlags({ epochs: 1, batchSize: 1, learningRate: 1 });
const { seed, dataset, dataDir, data, label, testFraction, limit, kernels } = common;

/** The command line. */
export const flags = {
  recipes: positionals("RECIPE", `recipes to compare: ${RECIPE_HELP} (default: all shipped ones)`, 0),
  minutes: number(3, "total training time of all recipes, in minutes", { above: 0 }),
  steps: optionalInteger("training steps of each recipe, instead of --minutes", { min: 1 }),
  json: flag("print one line of JSON instead of the table"),
  ...{ seed, dataset, dataDir, data, label, testFraction, limit, kernels },
};

/** One line of the comparison. */
export interface ComparisonRow {
  /** The recipe's name. */
  readonly recipe: string;
  /** Code size. */
  readonly code: number;
  /** Squared error per pixel, mean over the test images. */
  readonly error: number;
  /** The same for PCA with the same code size. */
  readonly pca: number;
  /** Accuracy of classifying test codes by their 5 nearest training codes, in [0, 1]; absent without classes. */
  readonly accuracy?: number | undefined;
  /** Training loss of the recipe, in `unit`: mean over its last steps, at most {@link WAIT} of them. */
  readonly loss: number;
  /** Unit of the loss. */
  readonly unit: string;
  /** Time per step in milliseconds, waits included. */
  readonly stepMilliseconds: number;
  /** Number of training steps. */
  readonly steps: number;
}

/** Training budget of each recipe. */
export interface Budget {
  /** Seed of weights, shuffles and noise. */
  readonly seed: number;
  /** Training time per recipe, checked every {@link WAIT} steps. */
  readonly milliseconds: number;
  /** Maximum number of steps per recipe. */
  readonly steps: number;
}

/** Steps between two waits for the GPU, each of which costs 10 ms or more. */
export const WAIT = 50;

/**
 * Trains a recipe from scratch and evaluates it.
 *
 * @param data the training and test images
 * @param isInterrupted polled every {@link WAIT} steps; true stops training early, and the model is evaluated as it is
 */
export async function train(
  gpu: Gpu,
  data: Dataset,
  recipe: Recipe,
  budget: Budget,
  isInterrupted: () => boolean = () => false,
): Promise<ComparisonRow> {
  const { name, optimizer, batchSize, stages, encoder, lossUnit } = contenderOf(recipe, data, budget.seed);
  using images = new DeviceImages(gpu, "train", data.train.images, data.width);
  using parameters = new Parameters(budget.seed);
  using owned = new DisposableStack();
  const recorded = stages.map(({ build }) => {
    const graph = new Graph(batchSize);
    return { graph, ...build(graph, parameters, gatherBatch(graph, "pixels", images)) };
  });
  const steps: Step[] = []; // all stages are recorded before the first compile, which fixes the parameter layout
  for (const { graph, losses } of recorded) {
    const trainable = [...new Set(graph.nodes.flatMap(({ parameters }) => parameters))];
    const options = { label: name, losses, trainable, optimizer };
    steps.push(owned.use(await compile(gpu, graph, parameters, options)));
  }

  const epochBatches = batches(images.count, batchSize);
  const epochs = stages.reduce((sum, { epochs }) => sum + epochs, 0);
  const start = performance.now();
  let done = 0, share = 0, loss = NaN;
  for (const [k, step] of steps.entries()) {
    share += stages[k].epochs / epochs;
    while (
      done < Math.round(share * budget.steps) && performance.now() - start < share * budget.milliseconds &&
      !isInterrupted()
    ) {
      for (let n = 0; n < WAIT && done < Math.round(share * budget.steps) && !isInterrupted(); n++, done++) {
        if (done % epochBatches.length === 0) {
          images.setOrder(permutation(images.count, budget.seed, 1 + done / epochBatches.length));
        }
        step.run(epochBatches[done % epochBatches.length]);
        await step.keepPace();
      }
      const reading = await step.readLosses();
      const isPerImage = recorded[k].losses.some((term) => term.reduction === "sum" && !isSparsityTerm(term));
      const { mean } = isPerImage ? perImage(reading) : reading;
      loss = recorded[k].losses.reduce((sum, { label, weight }) => sum + weight * mean[label], 0);
    }
  }
  const more = recorded.at(-1)!.losses.slice(1).map(({ label, weight }) =>
    ` + ${weight === 1 ? "" : `${weight}·`}${label}`
  );
  const unit = lossUnit + more.join("");
  const stepMilliseconds = (performance.now() - start) / done;
  const { error, pcaError: pca, accuracy, codeSize } = await evaluate(gpu, encoder, parameters, data);
  return { recipe: name, code: codeSize, error, pca, accuracy, loss, unit, stepMilliseconds, steps: done };
}

/** Resolves a recipe under the flags of its `comparison`, or its defaults. */
function contenderOf(recipe: Recipe, data: Dataset, seed: number) {
  const { name, description, comparison = "" } = recipe;
  const outcome = readFlags({ name, description }, recipe.flags, comparison.split(/\s+/).filter(Boolean));
  if (outcome.kind !== "config") {
    throw new InputError(`Cannot compare ${name} with "${comparison}": these are not flags of the recipe`);
  }
  const config = { ...outcome.config, seed }, settings = { ...recipe.architecture, ...config };
  const about = networkData(data);
  const stages: readonly Pick<Stage, "stage" | "epochs">[] = recipe.stages?.(settings) ?? [{ epochs: 1 }];
  return {
    name,
    batchSize: config.batchSize,
    optimizer: recipe.optimizer(settings),
    stages: stages.map(({ stage, epochs }) => ({
      epochs,
      build: networkOf(recipe, config, about, { purpose: "train", stage }),
    })),
    encoder: networkOf(recipe, config, about, { purpose: "encode" }),
    lossUnit: recipe.evaluation?.(settings).lossUnit ?? "squared error per pixel",
  };
}

/** Formats the rows as an aligned table. */
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
    examples: ["deep vae --minutes 5", "--data images.csv --label class"],
    description: "Trains all recipes for a few minutes, and prints one table.",
  };
  const config = parseFlags(about, flags, Deno.args);
  using gpu = await openGpuWith(config.kernels);
  print(computingOn(gpu));
  const data = await openDataset(config);
  const all = config.recipes.length > 0
    ? await Promise.all(config.recipes.map(findRecipe))
    : await allRecipes();
  const milliseconds = config.steps === undefined ? config.minutes * 60_000 / all.length : Infinity;
  const budget = { seed: config.seed, milliseconds, steps: config.steps ?? Infinity };
  using interrupt = watchInterrupt();
  const rows: ComparisonRow[] = [];
  for (const { recipe } of all) {
    if (interrupt.requested) break;
    printError(`training ${recipe.name}`);
    rows.push(await train(gpu, data, recipe, budget, () => interrupt.requested));
  }
  if (config.json) printJson(rows, 0);
  else printText(`test error and PCA: squared error per pixel, test images\n${formatComparison(rows)}`);
  return interrupt.exitCode;
}

if (import.meta.main) await runCommand(main);
