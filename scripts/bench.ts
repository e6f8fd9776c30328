// Times a recipe's training step and each of its kernels on this GPU, beside what arithmetic and memory allow.
// Run: deno task bench [RECIPE] [--variant "FLAGS"] [--batch-size N]    (no permission is needed)
//      deno task bench --grow    how a step grows with batch and width, and which limit ends it
// --json for programs.
import { InputError } from "../src/errors.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { runCommand } from "../src/run/command.ts";
import { flag, integer, kernelsFlag, optionalText, parseFlags, positionals } from "../src/run/flags.ts";
import { computingOn, openGpuWith } from "../src/run/open_gpu.ts";
import { formatGrowth, measureGrowth } from "./bench_growth.ts";
import {
  createBench,
  floorOf,
  type KernelTime,
  measureRates,
  timeEncoding,
  timeKernels,
  timeSteps,
} from "./bench_measure.ts";
import { spread } from "./bench_spread.ts";
import { findRecipe, RECIPES } from "./recipes.ts";

const flags = {
  recipe: positionals("RECIPE", `which recipe: ${Object.keys(RECIPES).join(", ")}; deep if absent`, 0),
  variant: optionalText('the recipe\'s options, such as "--match mse" or "stage 1"', "the recipe's own"),
  batchSize: integer(64, "images per step", { min: 1 }),
  rounds: integer(9, "rounds, of which the median counts", { min: 1 }),
  steps: integer(100, "steps of a round, with one wait for the GPU at its end", { min: 20, max: 1000 }),
  grow: flag("time 784-W-784 over batches from 1 to 4096 and widths from 32 to 8192 instead"),
  kernels: kernelsFlag(),
  json: flag("print the figures as JSON"),
};

async function main(): Promise<void> {
  const { recipe, variant, batchSize, rounds, steps, grow, kernels: wanted, json } = parseFlags(
    { name: "bench", description: "Times a recipe's training step and its kernels." },
    flags,
    Deno.args,
  );
  if (recipe.length > 1) throw new InputError(`Cannot time ${recipe.join(" and ")}: expected one recipe`);
  const name = recipe[0] ?? "deep";
  const { options, ...network } = findVariant(name, variant);
  using gpu = await openGpuWith(wanted);
  if (!json) console.log(computingOn(gpu));
  if (grow) {
    const table = await measureGrowth(gpu);
    return console.log(
      json ? JSON.stringify({ adapter: gpu.adapterName, table }, null, 2) : formatGrowth(table),
    );
  }

  using parameters = new Parameters(0);
  const began = performance.now();
  using bench = await createBench(gpu, parameters, { ...network, batchSize });
  await timeSteps(bench, 1);
  const compileMs = performance.now() - began;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await timeSteps(bench, steps));
  const encodingMs = await timeEncoding(bench, rounds);
  const kernels = gpu.hasTimestamps ? await timeKernels(bench, batchSize, { rounds, few: 2, many: 10 }) : [];
  const rates = await measureRates(gpu, kernels);
  const step = spread(times);
  const kernelMs = kernels.reduce((sum, { microseconds }) => sum + microseconds, 0) / 1000;
  const result = {
    adapter: gpu.adapterName,
    recipe: `${name} ${options}`.trim(),
    batchSize,
    stepMs: step.median,
    fastestStepMs: step.least,
    slowestStepMs: step.most,
    imagesPerSecond: 1000 * batchSize / step.median,
    compileMs,
    encodingMs,
    kernelMs,
    floorMs: 1000 * floorOf(kernels, rates),
    bestProductGflops: rates.product / 1e9,
    copyGigabytes: rates.copy / 1e9,
    kernels,
  };
  if (json) return console.log(JSON.stringify(result, null, 2));
  if (kernels.length === 0) console.log("this device cannot time kernels one by one");
  else console.log(formatKernels(kernels, step.median));
  const share = (ms: number) => `${ms.toFixed(2)} ms (${(100 * ms / step.median).toFixed(1)} %)`;
  console.log(
    `${result.recipe}: a step of ${batchSize} images takes ${step.median.toFixed(2)} ms ` +
      `(${step.least.toFixed(2)} to ${step.most.toFixed(2)} in ${rounds} rounds), ` +
      `${Math.round(result.imagesPerSecond)} images/s; compiling took ${compileMs.toFixed(0)} ms`,
  );
  console.log(`JavaScript needs ${share(encodingMs)} of it to encode and submit`);
  if (kernels.length === 0) return;
  console.log(
    `kernels take ${share(kernelMs)}, what is outside them ${share(Math.max(0, step.median - kernelMs))}\n` +
      `floor ${share(result.floorMs)}: products at the best one's ${result.bestProductGflops.toFixed(1)} ` +
      `GFLOP/s, the rest at the ${result.copyGigabytes.toFixed(1)} GB/s of a copy`,
  );
}

/** The network that a recipe records with some of its options. */
export function findVariant(name: string, variant: string | undefined) {
  const { variants } = findRecipe(name);
  const options = variant ?? Object.keys(variants)[0];
  if (!Object.hasOwn(variants, options)) {
    const known = Object.keys(variants).map((text) => `"${text}"`).join(", ");
    throw new InputError(`Cannot time ${name} with "${options}": its variants are ${known}`);
  }
  return { options, ...variants[options] };
}

/** A line for each kernel; products show GFLOP/s, the others GB/s. */
export function formatKernels(kernels: readonly KernelTime[], stepMs: number): string {
  const rows = kernels.map(({ label, entryPoint, microseconds, flop, bytes }) => [
    label,
    entryPoint,
    `${microseconds.toFixed(0)} µs`,
    `${(microseconds / 10 / stepMs).toFixed(1)} %`,
    flop > 0
      ? `${(flop / microseconds / 1e3).toFixed(1)} GFLOP/s`
      : `${(bytes / microseconds / 1e3).toFixed(1)} GB/s`,
  ]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join(
      "  ",
    )
  ).join("\n");
}

if (import.meta.main) await runCommand(main);
