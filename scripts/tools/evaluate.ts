// Loads a trained model and prints the results table of its run again.
// Run: deno task evaluate runs/deep-…    (the same as: deno run --allow-read scripts/tools/evaluate.ts RUN)
import { resultsTable } from "../../src/report/results_table.ts";
import { runCommand } from "../../src/cli/command.ts";
import { Phases } from "../../src/cli/phases.ts";
import { evaluate } from "../../src/evaluate/evaluate.ts";
import { verdict } from "../../src/evaluate/verdict.ts";
import { kernelsFlag, parseFlags, positional } from "../../src/recipe/flags.ts";
import { loadParameters, readTrainedRun } from "../../src/runs/load_run.ts";
import { networkData } from "../../src/recipe/recipe.ts";
import { computingOn, openGpuWith } from "../../src/cli/open_gpu.ts";
import { RUN_DATA } from "./data_of_run.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";
import { openRunDataset } from "../../src/cli/open_dataset.ts";
import { fitToRecipe } from "../../src/recipe/data_range.ts";
import { evaluatedNetwork, resultsRows } from "../../src/recipe/evaluated_network.ts";
import { print, printText } from "../../src/terminal.ts";

const flags = { run: positional("RUN", "run folder"), recipe: recipeFlag(), ...RUN_DATA };

async function main(): Promise<void> {
  const { run: folder, recipe: path, ...given } = parseFlags(
    {
      name: "evaluate",
      examples: ["runs/deep-20260102-030405-0", "runs/mine --data-dir ~/mnist"],
      description: "Evaluates a trained model on the test images of its data set.",
    },
    flags,
    Deno.args,
  );
  const run = readTrainedRun(folder);
  const { recipe, config } = await recipeOfRun(run, path);

  const { kernels } = run.config;
  using gpu = await openGpuWith(kernelsFlag().parse(`${kernels}`) ?? "auto", true); // as in training
  print(computingOn(gpu));
  const opened = await openRunDataset(run, given);
  const evaluated = evaluatedNetwork(recipe, config, networkData(opened));
  const data = fitToRecipe(opened, evaluated);
  using parameters = loadParameters(run, evaluated.build, data.width);
  using phases = new Phases(print);
  const begin = (phase: string) => phases.begin(phase);
  const result = await evaluate(gpu, evaluated.build, parameters, data, begin);
  const metrics = readMetrics(folder);
  printText(resultsTable(await resultsRows(evaluated, { gpu, parameters, data, result, metrics })));
  const line = verdict(result, data);
  if (line) print(line);
}

if (import.meta.main) await runCommand(main);
