// Replays traces: optimizer steps that PyTorch wrote down in float64, repeated by the real graph and kernels.
// Run: deno task replay fixtures/traces/deep.json    (the same as: deno run --allow-read scripts/tools/replay.ts …)
// Prints for each file the worst deviation of losses, first gradients and final parameters; exit code 1 if any fails.
import { formatReplay, replay } from "../../src/check/replay.ts";
import { parseTrace } from "../../src/check/trace.ts";
import { InputError } from "../../src/errors.ts";
import { runCommand } from "../../src/cli/command.ts";
import { kernelsFlag, optionalText, parseFlags, positionals } from "../../src/recipe/flags.ts";
import { computingOn, openGpuWith } from "../../src/cli/open_gpu.ts";
import { readText } from "../../src/files/read_file.ts";
import { traceNetwork } from "../../src/recipe/trace_network.ts";
import { findRecipe, RECIPE_NAMES } from "./find_recipe.ts";

const flags = {
  files: positionals("FILE", "traces to replay"),
  recipe: optionalText(
    "script of the traces' recipe, if that is not a shipped one",
    "the shipped recipes of their names",
  ),
  kernels: kernelsFlag(),
};

async function main(): Promise<number> {
  const { files, recipe: path, kernels } = parseFlags(
    {
      name: "replay",
      examples: ["fixtures/traces/*.json", "trace.json --recipe ./mine.ts"],
      description: "Repeats the optimizer steps of traces, and says how far off they end.",
    },
    flags,
    Deno.args,
  );
  const own = path === undefined ? undefined : (await findRecipe(path)).recipe;
  using gpu = await openGpuWith(kernels);
  console.log(computingOn(gpu));
  let failures = 0;
  for (const file of files) {
    try {
      const trace = parseTrace(readText(file), file, own ? [own.name] : RECIPE_NAMES);
      const recipe = own ?? (await findRecipe(trace.recipe)).recipe;
      const report = await replay(gpu, trace, traceNetwork(recipe, trace));
      console.log(formatReplay(report));
      if (!report.passed) failures++;
    } catch (error) {
      if (!(error instanceof InputError)) throw error; // one trace that is none does not end the others
      console.log(`FAIL  ${error.message}`);
      failures++;
    }
  }
  return failures > 0 ? 1 : 0;
}

if (import.meta.main) await runCommand(main);
