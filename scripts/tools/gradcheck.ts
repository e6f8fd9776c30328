// Checks every gradient of a recipe on this very GPU: against the f64 reference, and against finite differences.
// Run: deno task gradcheck deep    (the same as: deno run --allow-read=.cache scripts/tools/gradcheck.ts deep; without that
// permission it does not know what deno task tune found)
// `all` checks every recipe with all its options. Exit code 1 if a check fails. --json prints the reports for programs.
import { formatGradcheck, gradcheck } from "../../src/check/gradcheck.ts";
import { runCommand } from "../../src/run/command.ts";
import { flag, integer, kernelsFlag, parseFlags, positional } from "../../src/run/flags.ts";
import { computingOn, openGpuWith } from "../../src/run/open_gpu.ts";
import { checkedNetworks } from "../../src/run/checked_networks.ts";
import { allRecipes, findRecipe, RECIPE_HELP } from "./find_recipe.ts";

const WIDTH = 784;
const flags = {
  recipe: positional("RECIPE", `which recipe to check: all, ${RECIPE_HELP}`),
  seed: integer(0, "seed of weights, pixels and directions", { min: 0, max: 4294967295 }),
  rows: integer(5, "images in the batch", { min: 1, max: 1000 }),
  steps: integer(100, "training steps before the second check; 0 checks at initialisation only", {
    min: 0,
    max: 1000,
  }),
  kernels: kernelsFlag(),
  json: flag("print the reports as JSON"),
};

async function main(): Promise<number> {
  const { recipe: name, seed, rows, steps, kernels, json } = parseFlags(
    { name: "gradcheck", description: "Checks every gradient of a recipe on this GPU." },
    flags,
    Deno.args,
  );
  const recipes = name === "all" ? await allRecipes() : [await findRecipe(name)];
  using gpu = await openGpuWith(kernels);
  if (!json) console.log(computingOn(gpu));
  const reports = [];
  for (const { recipe: found } of recipes) {
    for (const { options, network, optimizer } of checkedNetworks(found)) {
      const recipe = found.name;
      const report = await gradcheck(gpu, network(WIDTH), { width: WIDTH, rows, seed, steps, optimizer });
      reports.push({ recipe, options, adapter: gpu.adapterName, ...report });
      if (!json) console.log(`\n${recipe} ${options}\n${formatGradcheck(report)}`);
    }
  }
  const failed = reports.filter(({ passed }) => !passed);
  if (json) console.log(JSON.stringify(reports, null, 2));
  else if (reports.length > 1) {
    const names = failed.map(({ recipe, options }) => `${recipe} ${options}`.trim()).join(", ");
    console.log(`\n${reports.length} networks checked, ${failed.length} failed${names ? `: ${names}` : ""}`);
  }
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
