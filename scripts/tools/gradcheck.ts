// Checks every gradient of a recipe on this GPU, against the f64 reference and against finite differences.
// Run: deno task gradcheck deep                (the same as: deno run --allow-read scripts/tools/gradcheck.ts deep)
//      deno task gradcheck deep --variant "--activation silu"    (the recipe's own flags)
//      deno task gradcheck scripts/mine.ts     (without --allow-read: shipped recipes only, and no tuned kernels)
// `all` checks every recipe with all its `checks`. Each verdict is ok, FAILED or cannot tell; exit code 1 if one is
// FAILED, or if a parameter's gradient cannot be judged in any state.
import { checkEveryOp } from "../../src/check/every_op.ts";
import { InputError } from "../../src/errors.ts";
import { print, printJson, printText } from "../../src/terminal.ts";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck, type GradcheckReport } from "../../src/check/gradcheck.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, integer, kernelsFlag, parseFlags, positional } from "../../src/recipe/flags.ts";
import { computingOn, openGpuWith } from "../../src/cli/open_gpu.ts";
import { checkedNetworks, networksOf, variantFlag } from "../../src/recipe/checked_networks.ts";
import { allRecipes, findRecipe, RECIPE_HELP } from "./find_recipe.ts";

/** Image widths: MNIST's, and one that kernels must pad. */
const WIDTHS = [784, 785];
/** Batch sizes that kernels treat differently: 1, and 4n + 1, 4n + 2 and 4n + 3. */
const ROWS = [5, 1, 6, 7];
const flags = {
  recipe: positional("RECIPE", `recipe to check: all, ${RECIPE_HELP}`),
  seed: integer(0, "random seed for weights, pixels and directions", { min: 0, max: 4294967295 }),
  rows: integer(ROWS[0], "batch size for finite differences; the reference is also run on 1, 5, 6 and 7", {
    min: 1,
    max: 1000,
  }),
  steps: integer(100, "training steps before the second check; 0 checks at initialization only", {
    min: 0,
    max: 1000,
  }),
  variant: variantFlag('flags of the recipe, such as "--activation silu"', "all of its checks"),
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
    throw new InputError("Cannot use --variant with all recipes: expected the name of one recipe");
  }
  const recipes = name === "all" ? await allRecipes() : [await findRecipe(name)];
  using gpu = await openGpuWith(kernels);
  if (!json) print(computingOn(gpu));
  const batches = { seed, rows: [rows, ...ROWS.filter((count) => count !== rows)] };
  const builtIn = await checkEveryOp(gpu, batches);
  const reports = [{ recipe: "built-in network", options: "", adapter: gpu.adapterName, ...builtIn }];
  if (!json) printText(`\n${formatBuiltIn(builtIn)}`);
  for (const { recipe: found } of recipes) {
    const networks = variant === undefined ? checkedNetworks(found) : networksOf(found, variant);
    for (const { options, network, optimizer } of networks) {
      const recipe = found.name;
      const report = await gradcheck(gpu, network, { ...batches, widths: WIDTHS, steps, optimizer });
      reports.push({ recipe, options, adapter: gpu.adapterName, ...report });
      if (!json) printText(`\n${recipe} ${options}`.trimEnd() + `\n${formatGradcheck(report)}`);
    }
  }
  const failed = reports.filter(({ passed }) => !passed);
  if (json) printJson(reports);
  else {
    const names = failed.map(({ recipe, options }) => `${recipe} ${options}`.trim()).join(", ");
    printText(
      `\n${reports.length} networks checked, ${failed.length} did not pass${names ? `: ${names}` : ""}`,
    );
  }
  return failed.length === 0 ? 0 : 1;
}

/** Formats the check of the built-in network, which always runs first: one line, or the whole table if it failed. */
function formatBuiltIn(report: GradcheckReport): string {
  const { rows, passed } = report;
  if (!passed) return `built-in network of every op\n${formatGradcheck(report)}`;
  const worst = Math.max(...rows.map(({ reference }) => reference.error));
  return `built-in network of every op: ${rows.length} gradients passed, at most ${
    worst.toExponential(1)
  } off`;
}

if (import.meta.main) await runCommand(main);
