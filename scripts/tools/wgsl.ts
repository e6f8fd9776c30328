// Prints the WGSL that the dispatches of a recipe's training step compile.
// Run: deno task wgsl RECIPE              which dispatches share a text, its entry point, constants and parts
//      deno task wgsl RECIPE LABEL        the whole text of one dispatch, such as: deno task wgsl deep encoder.0 forward
//      (no permission is needed: .cache has what tune found)
import { planDispatches } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { formatText, formatTexts, textsOf } from "../../src/graph/kernel_texts.ts";
import { runCommand } from "../../src/run/command.ts";
import { kernelsFlag, parseFlags, positional, positionals } from "../../src/run/flags.ts";
import { openGpuWith } from "../../src/run/open_gpu.ts";
import { findVariant } from "./bench.ts";
import { RECIPE_HELP } from "./find_recipe.ts";

const flags = {
  recipe: positional("RECIPE", `which recipe: ${RECIPE_HELP}`),
  label: positionals("LABEL", "a dispatch as --print-plan names it; all of them if absent", 0),
  kernels: kernelsFlag(),
};

async function main(): Promise<void> {
  const { recipe: name, label, kernels } = parseFlags(
    { name: "wgsl", description: "Prints the WGSL that a recipe's training step compiles." },
    flags,
    Deno.args,
  );
  const { network, optimizer, batchSize } = await findVariant(name, undefined);
  using gpu = await openGpuWith(kernels);
  using parameters = new Parameters(0);
  const graph = new Graph(batchSize);
  const { losses } = network(784)(graph, parameters, graph.input("pixels", 784));
  const trainable = parameters.all;
  // nothing is compiled, so that what does not compile can be looked at too
  const { dispatches } = planDispatches(gpu, graph, { label: name, losses, trainable });
  const arena = { name: "parameters", bytes: parameters.bytes };
  const update = optimizer.update("update", arena, arena, Array(optimizer.moments).fill(arena), arena);
  const texts = textsOf(gpu, [...dispatches, update], batchSize);
  console.log(label.length > 0 ? formatText(texts, label.join(" ")) : formatTexts(texts));
}

if (import.meta.main) await runCommand(main);
