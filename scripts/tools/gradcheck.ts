// Checks every gradient of a recipe on this very GPU: against the f64 reference, and against finite differences.
// Run: deno task gradcheck deep                (the same as: deno run --allow-read scripts/tools/gradcheck.ts deep)
//      deno task gradcheck deep --variant "--activation silu"    (the recipe's own flags)
//      deno task gradcheck scripts/mine.ts     (without that permission: shipped recipes only, and not what tune found)
// `all` checks every recipe with all its options. Each verdict is ok, FAILED or cannot tell; exit code 1 if one is
// FAILED, or if no state tells of a parameter. --json prints the reports for programs.
import { checkEveryOp } from "../../src/check/every_op.ts";
import { InputError } from "../../src/errors.ts";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck, type GradcheckReport } from "../../src/check/gradcheck.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, integer, kernelsFlag, parseFlags, positional } from "../../src/recipe/flags.ts";
import { computingOn, openGpuWith } from "../../src/cli/open_gpu.ts";
import { checkedNetworks, networksOf, variantFlag } from "../../src/recipe/checked_networks.ts";
import { allRecipes, findRecipe, RECIPE_HELP } from "./find_recipe.ts";

/** MNIST's pixels, and a number that kernels must pad. */
const WIDTHS = [784, 785];
/** Rows that kernels treat apart: one, and one, two and three beyond a multiple of four. */
const ROWS = [5, 1, 6, 7];
const flags = {
  recipe: positional("RECIPE", `which recipe to check: all, ${RECIPE_HELP}`),
  seed: integer(0, "seed of weights, pixels and directions", { min: 0, max: 4294967295 }),
  rows: integer(ROWS[0], "images that finite differences are taken on; 1, 5, 6 and 7 are compared too", {
    min: 1,
    max: 1000,
  }),
  steps: integer(100, "training steps before the second check; 0 checks at initialization only", {
    min: 0,
    max: 1000,
  }),
  variant: variantFlag('the recipe\'s flags, such as "--activation silu"', "all of its checks"),
  kernels: kernelsFlag(),
  json: flag("print the reports as JSON"),
};

async function main(): Promise<number> {
  const { recipe: name, seed, rows, steps, variant, kernels, json } = parseFlags(
    {
      name: "gradcheck",
      examples: ["deep", 'deep --variant "--activation silu"'],
      description: "Checks every gradient of a recipe on this GPU.",
    },
    flags,
    Deno.args,
  );
  if (name === "all" && variant !== undefined) {
    throw new InputError("Cannot check --variant of all recipes: expected one recipe's name; name it");
  }
  const recipes = name === "all" ? await allRecipes() : [await findRecipe(name)];
  using gpu = await openGpuWith(kernels);
  if (!json) console.log(computingOn(gpu));
  const batches = { seed, rows: [rows, ...ROWS.filter((count) => count !== rows)] };
  const builtIn = await checkEveryOp(gpu, batches);
  const reports = [{ recipe: "built-in network", options: "", adapter: gpu.adapterName, ...builtIn }];
  if (!json) console.log(`\n${formatBuiltIn(builtIn)}`);
  for (const { recipe: found } of recipes) {
    const networks = variant === undefined ? checkedNetworks(found) : networksOf(found, variant);
    for (const { options, network, optimizer } of networks) {
      const recipe = found.name;
      const report = await gradcheck(gpu, network, { ...batches, widths: WIDTHS, steps, optimizer });
      reports.push({ recipe, options, adapter: gpu.adapterName, ...report });
      if (!json) console.log(`\n${recipe} ${options}`.trimEnd() + `\n${formatGradcheck(report)}`);
    }
  }
  const failed = reports.filter(({ passed }) => !passed);
  if (json) console.log(JSON.stringify(reports, null, 2));
  else {
    const names = failed.map(({ recipe, options }) => `${recipe} ${options}`.trim()).join(", ");
    console.log(
      `\n${reports.length} networks checked, ${failed.length} did not pass${names ? `: ${names}` : ""}`,
    );
  }
  return failed.length === 0 ? 0 : 1;
}

/** One line about the network that every call checks first; the whole table if it did not pass. */
function formatBuiltIn(report: GradcheckReport): string {
  const { rows, passed } = report;
  if (!passed) return `built-in network of every op\n${formatGradcheck(report)}`;
  const worst = Math.max(...rows.map(({ reference }) => reference.error));
  return `built-in network of every op: ${rows.length} gradients passed, at most ${
    worst.toExponential(1)
  } off`;
}

if (import.meta.main) await runCommand(main);
