// Prints the WGSL that the dispatches of a recipe's training step compile.
// Run: deno task wgsl RECIPE              which dispatches share a text, its entry point, constants and parts
//      deno task wgsl RECIPE LABEL        the whole text of one dispatch, such as: deno task wgsl deep encoder.0 forward
//      (no permission is needed: .cache has what tune found)
import { Parameters } from "../../src/graph/parameters.ts";
import { formatText, formatTexts, textsOf } from "../../src/graph/kernel_texts.ts";
import { runCommand } from "../../src/run/command.ts";
import { kernelsFlag, parseFlags, positional, positionals } from "../../src/run/flags.ts";
import { openGpuWith } from "../../src/run/open_gpu.ts";
import { createBench } from "./bench_step.ts";
import { findVariant } from "./bench.ts";
import { RECIPE_HELP } from "./find_recipe.ts";

const flags = {
  recipe: positional("RECIPE", `which recipe: ${RECIPE_HELP}`),
  label: positionals("LABEL", "a dispatch as --print-plan names it; all of them if absent", 0),
  kernels: kernelsFlag(),
};

async function main(): Promise<void> {
  const { recipe, label, kernels } = parseFlags(
    { name: "wgsl", description: "Prints the WGSL that a recipe's training step compiles." },
    flags,
    Deno.args,
  );
  const { network, optimizer, batchSize } = await findVariant(recipe, undefined);
  using gpu = await openGpuWith(kernels);
  using parameters = new Parameters(0);
  using bench = await createBench(gpu, parameters, { build: network(784), optimizer, batchSize });
  const texts = textsOf(gpu, bench.step.dispatches, batchSize);
  console.log(label.length > 0 ? formatText(texts, label.join(" ")) : formatTexts(texts));
}

if (import.meta.main) await runCommand(main);
