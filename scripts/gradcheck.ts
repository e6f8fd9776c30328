// Checks every gradient of a recipe on this very GPU: against the f64 reference, and against finite differences.
// Run: deno task gradcheck deep    (the same as: deno run scripts/gradcheck.ts deep; no permission is needed)
// Exit code 1 if a check fails. --json prints the report for programs.
import { formatGradcheck, gradcheck } from "../src/check/gradcheck.ts";
import { openGpu } from "../src/gpu/device.ts";
import { runCommand } from "../src/run/command.ts";
import { flag, integer, parseFlags, positional } from "../src/run/flags.ts";
import { findRecipe } from "./recipes.ts";

const flags = {
  recipe: positional("RECIPE", "which recipe to check: basic or deep"),
  seed: integer(0, "seed of weights, pixels and directions", { min: 0, max: 4294967295 }),
  rows: integer(5, "images in the batch", { min: 1, max: 1000 }),
  steps: integer(100, "training steps before the second check; 0 checks at initialisation only", {
    min: 0,
    max: 1000,
  }),
  json: flag("print the report as JSON"),
};

async function main(): Promise<number> {
  const { recipe: name, seed, rows, steps, json } = parseFlags(
    { name: "gradcheck", description: "Checks every gradient of a recipe on this GPU." },
    flags,
    Deno.args,
  );
  const recipe = findRecipe(name);
  using gpu = await openGpu();
  const { optimizer, build } = recipe;
  if (!json) console.log(`computing on ${gpu.description}`);
  const report = await gradcheck(gpu, build, { width: 784, rows, seed, steps, optimizer });
  console.log(
    json
      ? JSON.stringify({ recipe: name, adapter: gpu.adapterName, ...report }, null, 2)
      : formatGradcheck(report),
  );
  return report.passed ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
