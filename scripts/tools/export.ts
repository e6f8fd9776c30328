// Exports a trained model to ONNX or PyTorch.
// Run: deno task export runs/deep-… --format onnx           writes model.onnx into the run folder
//      deno task export runs/deep-… --format safetensors    writes state_dict.safetensors and state_dict.md
import { basename, extname, join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { InputError } from "../../src/errors.ts";
import { print } from "../../src/terminal.ts";
import { encodeNetworkAsOnnx } from "../../src/export/onnx.ts";
import { pytorchReadme, stateDict } from "../../src/export/pytorch.ts";
import { writeSafetensors } from "../../src/files/safetensors.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { trainedNetwork } from "../../src/model/trained_model.ts";
import { choice, optionalText, parseFlags, positional } from "../../src/recipe/flags.ts";
import { readTrainedRun } from "../../src/runs/load_run.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";

/** Name of the file in the run folder, by format. */
const FILES = { onnx: "model.onnx", safetensors: "state_dict.safetensors" };

const flags = {
  run: positional("RUN", "run folder"),
  format: choice(
    ["onnx", "safetensors"],
    "onnx",
    "file format; safetensors: a PyTorch state_dict with a README",
  ),
  out: optionalText("file to write", "model.onnx or state_dict.safetensors in the run folder"),
  recipe: recipeFlag(),
};

async function main(): Promise<void> {
  const { run: folder, format, out = join(folder, FILES[format]), recipe: path } = parseFlags(
    {
      name: "export",
      examples: ["runs/deep-20260102-030405-0 --format onnx", "runs/mine --format safetensors"],
      description: "Exports a trained model to ONNX or PyTorch.",
    },
    flags,
    Deno.args,
  );
  if (extname(out) !== extname(FILES[format])) {
    throw new InputError(
      `Cannot write "${out}": expected a name that ends with ${extname(FILES[format])}`,
      { settings: ["out", "format"] },
    );
  }
  const run = readTrainedRun(folder);
  const { recipe, config } = await recipeOfRun(run, path);
  const network = await trainedNetwork(run, recipe, config);
  const metadata = { recipe: recipe.name, startedAt: run.startedAt };
  let files = out;
  if (format === "onnx") writeFileAtomic(out, encodeNetworkAsOnnx(network, metadata));
  else {
    const readme = `${out.slice(0, -extname(out).length)}.md`;
    writeSafetensors(out, stateDict(network), { ...metadata, format: "pt" });
    writeFileAtomic(readme, pytorchReadme(network, basename(out)));
    files += ` and ${readme}`;
  }
  const { pixels, model } = network;
  print(
    `exported to ${files}: input [N, ${pixels.width}], code [N, ${model.code.width}], ` +
      `reconstruction [N, ${model.output.width}], score [N]`,
  );
}

if (import.meta.main) await runCommand(main);
