// Loads a trained model back and prints the closing table of its run again.
// Run: deno task evaluate runs/deep-…    (offline the same as: deno run --allow-read scripts/evaluate.ts RUN)
import { openGpu } from "../src/gpu/device.ts";
import { runCommand } from "../src/run/command.ts";
import { evaluate, formatEvaluation } from "../src/run/evaluate.ts";
import { commonFlags, parseFlags, positional } from "../src/run/flags.ts";
import { loadParameters, openRunDataset, readTrainedRun } from "../src/run/load_model.ts";
import { findRecipe } from "./recipes.ts";

const { dataDir, data } = commonFlags({ epochs: 1, batchSize: 1, learningRate: 1 });
const flags = { run: positional("RUN", "the run's folder"), dataDir, data };

async function main(): Promise<void> {
  const { run: folder, ...given } = parseFlags(
    { name: "evaluate", description: "Measures a trained model on the test images of its data set." },
    flags,
    Deno.args,
  );
  const run = readTrainedRun(folder);
  const recipe = findRecipe(run.recipe);

  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const images = await openRunDataset(run, given);
  const build = recipe.fromConfig(run.config, `"${folder}"`, images);
  using parameters = loadParameters(run, build, images.width);
  console.log(formatEvaluation(await evaluate(gpu, build, parameters, images)));
}

if (import.meta.main) await runCommand(main);
