// Times a recipe's training step and each of its kernels on this GPU, next to the arithmetic and memory bounds.
// Run: deno task bench [RECIPE] [--variant "FLAGS"] [--batch-size N]    (--allow-read only for tuned kernels)
//      deno task bench --grow    step time as batch size and width grow, and the device limit that ends the growth
import { InputError } from "../../src/errors.ts";
import { print, printJson, printText } from "../../src/terminal.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, integer, kernelsFlag, parseFlags, positionals } from "../../src/recipe/flags.ts";
import { formatCost } from "../../src/bench/cost_table.ts";
import { timeStep, timeSteps } from "../../src/bench/time_step.ts";
import { computingOn, openGpuWith } from "../../src/cli/open_gpu.ts";
import { formatGrowth, measureGrowth } from "../../src/bench/growth.ts";
import { createBench } from "../../src/bench/bench_step.ts";
import {
  type CheckedNetwork,
  checkedNetworks,
  networksOf,
  variantFlag,
} from "../../src/recipe/checked_networks.ts";
import { findRecipe, RECIPE_HELP } from "./find_recipe.ts";

const WIDTH = 784;
const flags = {
  recipe: positionals("RECIPE", `recipe to time: ${RECIPE_HELP} (default: deep)`, 0),
  variant: {
    ...variantFlag(
      'variant of the recipe: a stage, such as "stage 1", flags, such as "--match bce", or both',
      "its first check",
    ),
    expected: "a stage, flags or both",
  },
  batchSize: integer(64, "mini-batch size, in images", { min: 1 }),
  rounds: integer(9, "number of rounds; the median is reported", { min: 1 }),
  steps: integer(100, "steps per round, with one wait for the GPU at the end", { min: 20, max: 1000 }),
  grow: flag("time 784-W-784 instead, for batch sizes from 1 to 4096 and widths from 32 to 8192"),
  kernels: kernelsFlag(),
  json: flag("print the results as JSON"),
};

async function main(): Promise<void> {
  const { recipe, variant, batchSize, rounds, steps, grow, kernels: wanted, json } = parseFlags(
    {
      name: "bench",
      examples: ["deep", "--grow"],
      description: "Times a recipe's training step and its kernels.",
    },
    flags,
    Deno.args,
  );
  if (recipe.length > 1) throw new InputError(`Cannot time ${recipe.join(" and ")}: expected one recipe`);
  const name = recipe[0] ?? "deep";
  const { recipe: found, options, network, optimizer } = await findVariant(name, variant);
  using gpu = await openGpuWith(wanted);
  if (!json) print(computingOn(gpu));
  if (grow) {
    const table = await measureGrowth(gpu);
    return json ? printJson({ adapter: gpu.adapterName, table }) : printText(formatGrowth(table));
  }

  using parameters = new Parameters(0);
  const began = performance.now();
  using bench = await createBench(gpu, parameters, { build: network(WIDTH), optimizer, batchSize });
  await timeSteps(bench.step, batchSize, 1);
  const compileMs = performance.now() - began;
  const cost = await timeStep(gpu, bench.step, batchSize, { rounds, steps });
  const title = `${found} ${options}`.trim();
  if (json) {
    const { step, javascript, dispatches, copy, kernels } = cost;
    const result = {
      adapter: gpu.adapterName,
      recipe: title,
      batchSize,
      stepMs: step.median,
      fastestStepMs: step.least,
      slowestStepMs: step.most,
      imagesPerSecond: 1000 * batchSize / step.median,
      compileMs,
      encodingMs: javascript,
      kernelMs: kernels?.milliseconds,
      copiesMs: kernels?.copies,
      floorMs: kernels?.floor,
      bestProductGflops: kernels && kernels.product / 1e9,
      copyGigabytes: copy / 1e9,
      kernels: dispatches,
    };
    return printJson(result);
  }
  printText(`${title}, compiled in ${compileMs.toFixed(0)} ms\n${formatCost(cost)}`);
}

/**
 * Network of a recipe, or of one of its stages, under some of its flags; the first if several match.
 *
 * @param variant `stage 1 --noise mask:0.25`; either part may be absent
 */
export async function findVariant(name: string, variant: string | undefined): Promise<CheckedNetwork> {
  const { recipe } = await findRecipe(name);
  if (variant === undefined) return checkedNetworks(recipe)[0];
  const [, stage, flags] = /^(?:(stage \d+)\b)?\s*(.*)$/.exec(variant)!;
  const networks = networksOf(recipe, flags);
  const found = stage ? networks.find(({ options }) => `${options} `.startsWith(`${stage} `)) : networks[0];
  if (found) return found;
  const known = networks.map(({ options }) => `"${options}"`).join(", ");
  throw new InputError(`Cannot time ${name} with "${variant}": expected one of ${known}`);
}

if (import.meta.main) await runCommand(main);
