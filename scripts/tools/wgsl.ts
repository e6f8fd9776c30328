// Prints the WGSL compiled for the dispatches of a recipe's training steps, for each stage and each of its `checks`.
// Run: deno task wgsl RECIPE              lists the shaders: their dispatches, entry points, constants and source files
//      deno task wgsl RECIPE LABEL        prints the shader of one dispatch: deno task wgsl deep encoder.0 forward
//      (read permission only for tuned kernels in .cache)
import type { Gpu } from "../../src/gpu/device.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { type DispatchedText, formatText, formatTexts, textsOf } from "../../src/step/kernel_texts.ts";
import { type CheckedNetwork, checkedNetworks } from "../../src/recipe/checked_networks.ts";
import { runCommand } from "../../src/cli/command.ts";
import { kernelsFlag, parseFlags, positional, positionals } from "../../src/recipe/flags.ts";
import { openGpuWith } from "../../src/cli/open_gpu.ts";
import { findRecipe, RECIPE_HELP } from "./find_recipe.ts";
import { planDispatches } from "../../src/step/plan_dispatches.ts";
import { print, printText } from "../../src/terminal.ts";

const flags = {
  recipe: positional("RECIPE", `recipe to compile: ${RECIPE_HELP}`),
  label: positionals("LABEL", "label of a dispatch, as in --print-plan (default: list all shaders)", 0),
  kernels: kernelsFlag(),
};

async function main(): Promise<void> {
  const { recipe: name, label, kernels } = parseFlags(
    {
      name: "wgsl",
      examples: ["deep", "deep encoder.0 --kernels workgroup"],
      description: "Prints the WGSL of a recipe's training step.",
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
    return printText(formatText(texts, wanted));
  }
  const sections = Map.groupBy(all, ({ texts }) => formatTexts(texts)); // some flags do not change the shaders
  for (const [section, networks] of sections) {
    if (sections.size > 1) {
      print(...networks.map(({ options }) => `==== ${name} ${options}`.trimEnd()), "");
    }
    printText(`${section}\n`);
  }
}

/** Shaders of a network's training step. Nothing is compiled, so shaders that do not compile can be printed too. */
function trainingTexts(
  gpu: Gpu,
  { network, optimizer, batchSize, recipe }: CheckedNetwork,
): DispatchedText[] {
  using parameters = new Parameters(0);
  const graph = new Graph(batchSize);
  const { losses } = network(784)(graph, parameters, graph.input("pixels", 784));
  const { dispatches } = planDispatches(gpu, graph, { label: recipe, losses, trainable: parameters.all });
  const arena = { name: "parameters", bytes: parameters.bytes };
  const update = optimizer.update("update", arena, arena, Array(optimizer.moments).fill(arena), arena, gpu);
  return textsOf(gpu, [...dispatches, update], batchSize);
}

if (import.meta.main) await runCommand(main);
