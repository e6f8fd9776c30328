// Exports a trained model to ONNX or PyTorch.
// Run: deno task export runs/deep-… --format onnx           writes model.onnx into the run folder
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { encodeNetworkAsOnnx } from "../../src/export/onnx.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { trainedNetwork } from "../../src/model/trained_model.ts";
import { choice, optionalText, parseFlags, positional } from "../../src/recipe/flags.ts";
import { readTrainedRun } from "../../src/runs/load_run.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";

const flags = {
  run: positional("RUN", "run folder"),
  format: choice(["onnx"], "onnx", "file format"),
  out: optionalText("file to write", "model.onnx in the run folder"),
  recipe: recipeFlag(),
};

async function main(): Promise<void> {
  const { run: folder, format, out = join(folder, `model.${format}`), recipe: path } = parseFlags(
    {
      name: "export",
      examples: ["runs/deep-20260102-030405-0 --format onnx", "runs/mine --format onnx --out runs/mine.onnx"],
      description: "Exports a trained model for other programs.",
    },
    flags,
    Deno.args,
  );
  const run = readTrainedRun(folder);
  const { recipe, config } = await recipeOfRun(run, path);
  const network = await trainedNetwork(run, recipe, config);
  writeFileAtomic(out, encodeNetworkAsOnnx(network, { recipe: recipe.name, startedAt: run.startedAt }));
  const { pixels, model } = network;
  console.log(
    `exported to ${out}: input [N, ${pixels.width}], code [N, ${model.code.width}], ` +
      `reconstruction [N, ${model.output.width}], score [N]`,
  );
}

if (import.meta.main) await runCommand(main);
