// Replays traces: optimizer steps recorded by PyTorch in float64 are repeated with this project's graph and kernels.
// Run: deno task replay fixtures/traces/deep.json    (the same as: deno run --allow-read scripts/tools/replay.ts …)
// Prints the worst deviation of losses, first gradients and final parameters for each file; exit code 1 if any fails.
import { formatReplay, replay } from "../../src/check/replay.ts";
import { parseTrace } from "../../src/check/trace.ts";
import { InputError } from "../../src/errors.ts";
import { print, printText } from "../../src/terminal.ts";
import { runCommand } from "../../src/cli/command.ts";
import { kernelsFlag, optionalText, parseFlags, positionals } from "../../src/recipe/flags.ts";
import { computingOn, openGpuWith } from "../../src/cli/open_gpu.ts";
import { readText } from "../../src/files/read_file.ts";
import { traceNetwork } from "../../src/recipe/trace_network.ts";
import { findRecipe, RECIPE_NAMES } from "./find_recipe.ts";

const flags = {
  files: positionals("FILE", "trace files to replay"),
  recipe: optionalText(
    "script of the traces' recipe, if it is not a shipped one",
    "the recipe that each trace names",
  ),
  kernels: kernelsFlag(),
};

async function main(): Promise<number> {
  const { files, recipe: path, kernels } = parseFlags(
    {
      name: "replay",
      examples: ["fixtures/traces/*.json", "trace.json --recipe ./mine.ts"],
      description: "Replays PyTorch's optimizer steps from trace files, and prints the deviations.",
    },
    flags,
    Deno.args,
  );
  const own = path === undefined ? undefined : (await findRecipe(path)).recipe;
  using gpu = await openGpuWith(kernels);
  print(computingOn(gpu));
  let failures = 0;
  for (const file of files) {
    try {
      const trace = parseTrace(readText(file), file, own ? [own.name] : RECIPE_NAMES);
      const recipe = own ?? (await findRecipe(trace.recipe)).recipe;
      const report = await replay(gpu, trace, traceNetwork(recipe, trace));
      printText(formatReplay(report));
      if (!report.passed) failures++;
    } catch (error) {
      if (!(error instanceof InputError)) throw error; // a bad file does not stop the others
      print(`FAIL  ${error.message}`);
      failures++;
    }
  }
  return failures > 0 ? 1 : 0;
}

if (import.meta.main) await runCommand(main);
