// Prints the WGSL that the dispatches of a recipe's training steps compile: of each stage, and under its `checks`.
// Run: deno task wgsl RECIPE              which dispatches share a text, its entry point, constants and parts
//      deno task wgsl RECIPE LABEL        the whole text of one dispatch, such as: deno task wgsl deep encoder.0 forward
//      (no permission is needed: .cache has what tune found)
import type { Gpu } from "../../src/gpu/device.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { type DispatchedText, formatText, formatTexts, textsOf } from "../../src/graph/kernel_texts.ts";
import { type CheckedNetwork, checkedNetworks } from "../../src/recipe/checked_networks.ts";
import { runCommand } from "../../src/cli/command.ts";
import { kernelsFlag, parseFlags, positional, positionals } from "../../src/recipe/flags.ts";
import { openGpuWith } from "../../src/cli/open_gpu.ts";
import { findRecipe, RECIPE_HELP } from "./find_recipe.ts";
import { planDispatches } from "../../src/graph/plan_dispatches.ts";

const flags = {
  recipe: positional("RECIPE", `which recipe: ${RECIPE_HELP}`),
  label: positionals("LABEL", "a dispatch as --print-plan names it; all of them if absent", 0),
  kernels: kernelsFlag(),
};

async function main(): Promise<void> {
  const { recipe: name, label, kernels } = parseFlags(
    {
      name: "wgsl",
      examples: ["deep", "deep encoder.0 --kernels workgroup"],
      description: "Prints the WGSL that a recipe's training step compiles.",
    },
    flags,
    Deno.args,
  );
  const networks = checkedNetworks((await findRecipe(name)).recipe);
  using gpu = await openGpuWith(kernels);
  const all = networks.map((network) => ({ ...network, texts: trainingTexts(gpu, network) }));
  if (label.length > 0) {
    const wanted = label.join(" ");
    const { texts } = all.find(({ texts }) => texts.some(({ labels }) => labels.includes(wanted))) ?? all[0];
    return console.log(formatText(texts, wanted));
  }
  const sections = Map.groupBy(all, ({ texts }) => formatTexts(texts)); // what some flags change is no shader
  for (const [section, networks] of sections) {
    if (sections.size > 1) {
      console.log(networks.map(({ options }) => `==== ${name} ${options}`.trimEnd()).join("\n") + "\n");
    }
    console.log(`${section}\n`);
  }
}

/** The texts of a network's training step. Nothing is compiled, so that what does not compile can be looked at too. */
function trainingTexts(
  gpu: Gpu,
  { network, optimizer, batchSize, recipe }: CheckedNetwork,
): DispatchedText[] {
  using parameters = new Parameters(0);
  const graph = new Graph(batchSize);
  const { losses } = network(784)(graph, parameters, graph.input("pixels", 784));
  const { dispatches } = planDispatches(gpu, graph, { label: recipe, losses, trainable: parameters.all });
  const arena = { name: "parameters", bytes: parameters.bytes };
  const update = optimizer.update("update", arena, arena, Array(optimizer.moments).fill(arena), arena);
  return textsOf(gpu, [...dispatches, update], batchSize);
}

if (import.meta.main) await runCommand(main);
