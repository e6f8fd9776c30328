// Autotunes the kernels of the recipes' matrix products on this GPU, and stores the fastest ones for `--kernels auto`.
// Run: deno task tune [RECIPE…]    (the same as: deno run --allow-read=.cache --allow-write=.cache scripts/tools/tune.ts)
// Run it on an idle machine, and again after a driver update; a new Deno or changed shaders are detected.
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { formatKernel, productName } from "../../src/gpu/product_kernel.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, integer, optionalInteger, parseFlags, positionals } from "../../src/recipe/flags.ts";
import { KERNEL_MEMORY, refuseUnwritable, rememberKernels } from "../../src/bench/tuned_kernels.ts";
import { checkedNetworks } from "../../src/recipe/checked_networks.ts";
import { allRecipes, findRecipe, RECIPE_HELP } from "./find_recipe.ts";
import { type Finding, type Layer, layersOf, tuneLayer } from "../../src/bench/time_kernels.ts";
import { print, printJson, printText } from "../../src/terminal.ts";

const WIDTH = 784;
const flags = {
  recipes: positionals(
    "RECIPE",
    `recipes to tune: ${RECIPE_HELP} (default: all shipped ones)`,
    0,
  ),
  batchSize: optionalInteger("mini-batch size, in images", { min: 1, absent: "each recipe's own" }),
  rounds: integer(5, "number of rounds; the fastest counts", { min: 1 }),
  json: flag("print the results as JSON"),
};

async function main(): Promise<void> {
  const { recipes, batchSize, rounds, json } = parseFlags(
    {
      name: "tune",
      examples: ["deep vae", "--batch-size 256"],
      description: "Finds the fastest matrix-product kernels for this GPU, for --kernels auto.",
    },
    flags,
    Deno.args,
  );
  const chosen = recipes.length > 0 ? await Promise.all(recipes.map(findRecipe)) : await allRecipes();
  using gpu = await openGpu();
  if (!json) print(`computing on ${gpu.description}`);
  const layers = new Map<string, Layer>();
  for (const { recipe } of chosen) {
    for (const { network, batchSize: own } of checkedNetworks(recipe)) {
      for (const layer of layersOf(gpu, network(WIDTH), batchSize ?? own, WIDTH)) {
        layers.set(JSON.stringify(layer), layer);
      }
    }
  }
  refuseUnwritable();
  const findings: Finding[] = [];
  for (const layer of layers.values()) {
    const found = await tuneLayer(gpu, layer, rounds);
    if (!json) printText(found.map(formatFinding).join("\n"));
    findings.push(...found);
  }
  remember(gpu, findings); // all at once: an interrupted tune leaves nothing that looks like one
  if (json) return printJson({ adapter: gpu.adapterName, findings });
  print(
    "",
    formatTotal(findings),
    `saved to ${KERNEL_MEMORY}; --kernels auto uses them from now on`,
  );
}

function remember(gpu: Gpu, findings: readonly Finding[]): void {
  const kernels = findings.map(({ product, winner }) => [productName(product), winner.kernel] as const);
  rememberKernels(gpu.adapterName, new Map(kernels));
}

/** Formats a product with one line per kernel, the fastest first. */
export function formatFinding({ product, kernels, winner }: Finding): string {
  const { rows, sum, columns } = product;
  const usual = kernels[0];
  const sorted = kernels.toSorted((a, b) => a.microseconds - b.microseconds);
  return [
    productName(product),
    ...sorted.map((evaluated) => {
      const { kernel, microseconds } = evaluated;
      const rate = 2 * rows * sum * columns / microseconds / 1e3;
      const notes = [
        ...(kernel.kind === "texture" ? ["including copies"] : []),
        ...(evaluated === usual ? ["default"] : []),
        ...(evaluated === winner ? ["chosen"] : []),
        ...(evaluated === winner && winner !== usual
          ? [`${percent(winner.microseconds, usual.microseconds)}`]
          : []),
      ];
      const figures = `${microseconds.toFixed(1).padStart(9)} µs  ${rate.toFixed(1).padStart(7)} GFLOP/s`;
      return `  ${formatKernel(kernel).padEnd(17)}  ${figures}  ${notes.join(", ")}`.trimEnd();
    }),
  ].join("\n");
}

/** Formats the total time of all products, with the default kernels and with the fastest. */
export function formatTotal(findings: readonly Finding[]): string {
  const sum = (of: (finding: Finding) => number) =>
    findings.reduce((total, found) => total + of(found), 0) / 1000;
  const usual = sum(({ kernels }) => kernels[0].microseconds),
    taken = sum(({ winner }) => winner.microseconds);
  const changed = findings.filter(({ kernels, winner }) => winner !== kernels[0]).length;
  return `${findings.length} products, ${changed} of them faster with a kernel other than the default: ` +
    `${usual.toFixed(2)} ms in total before, ${taken.toFixed(2)} ms now, ${percent(taken, usual)}`;
}

function percent(now: number, before: number): string {
  const change = Math.round(100 * (1 - now / before));
  return change > 0 ? `${change} % less` : "no less";
}

if (import.meta.main) await runCommand(main);
