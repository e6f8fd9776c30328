// Loads a trained model back and prints the closing table of its run again.
// Run: deno task evaluate runs/deep-…    (offline the same as: deno run --allow-read scripts/evaluate.ts RUN)
import { join } from "node:path";
import { InputError } from "../src/errors.ts";
import { openGpu } from "../src/gpu/device.ts";
import { Graph } from "../src/graph/graph.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { runCommand } from "../src/run/command.ts";
import { evaluate, formatEvaluation } from "../src/run/evaluate.ts";
import { commonFlags, parseFlags, positional, restoreConfig } from "../src/run/flags.ts";
import { openDataset } from "../src/run/open_dataset.ts";
import { readRun } from "../src/run/run_folder.ts";
import { readSafetensors } from "../src/run/safetensors.ts";
import { findRecipe } from "./recipes.ts";

const { dataset, dataDir, limit } = commonFlags({ epochs: 1, batchSize: 1, learningRate: 1 });
const flags = { run: positional("RUN", "the run's folder"), dataDir };

async function main(): Promise<void> {
  const { run: folder, dataDir } = parseFlags(
    { name: "evaluate", description: "Measures a trained model on the test images of its data set." },
    flags,
    Deno.args,
  );
  const run = readRun(folder, ["model.safetensors"]);
  const { tensors } = readSafetensors(join(folder, "model.safetensors"));
  const build = findRecipe(run.recipe).fromConfig(run.config, `"${folder}"`);
  const stored = restoreConfig({ dataset, dataDir: flags.dataDir, limit }, run.config, `"${folder}"`);

  using gpu = await openGpu();
  console.log(`computing on ${gpu.description}`);
  const data = await openDataset({ ...stored, dataDir: dataDir ?? stored.dataDir });
  if (data.checksum !== run.facts.datasetChecksum) {
    console.error(`warning: these are not the images that "${folder}" was trained on`);
  }
  using parameters = new Parameters(0);
  const graph = new Graph(1);
  build(graph, parameters, graph.input("pixels", data.width));
  const found = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, shape } of parameters.all) {
    const tensor = found.get(name);
    if (tensor?.shape.join() !== shape.join()) {
      throw new InputError(
        `Cannot load "${folder}": expected tensor "${name}" of shape [${shape.join(", ")}], found ` +
          (tensor ? `[${tensor.shape.join(", ")}]` : "none"),
      );
    }
    parameters.write(name, tensor.data);
  }
  console.log(formatEvaluation(await evaluate(gpu, build, parameters, data)));
}

if (import.meta.main) await runCommand(main);
