// Decodes codes by a trained model.
// Run: deno task decode runs/deep-… runs/codes.csv --out runs/decoded.png    a picture, where rows are images
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { type FileTable, readTable } from "../../src/data/read_table.ts";
import { InputError } from "../../src/errors.ts";
import { print } from "../../src/terminal.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { openModel } from "../../src/model/loaded_model.ts";
import { optionalText, parseFlags, positional } from "../../src/recipe/flags.ts";
import { imageGrid } from "../../src/report/picture.ts";
import { readTrainedRun, storedShape } from "../../src/runs/load_run.ts";
import { checkEnding } from "../../src/runs/rows_file.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";
import { columnNames, forRows, writeRows } from "./rows_of_run.ts";

/** Maximum number of images in a picture. */
const IMAGES = 1000;

const flags = {
  run: positional("RUN", "run folder"),
  codes: positional("CODES", "file of codes, such as encode writes"),
  out: optionalText("file to write: .csv, .npy, .npz, .safetensors or .png", "decoded.csv in the run folder"),
  recipe: recipeFlag(),
};

/**
 * Reads codes, of files of this project without the rows' numbers and classes: columns `index` and `label` in CSV, arrays
 * beside `codes` in NPZ and safetensors.
 */
async function readCodes(path: string): Promise<FileTable> {
  const isArchive = /\.(npz|safetensors)$/i.test(path);
  try {
    return isArchive
      ? await readTable(`${path}:codes`)
      : await readTable(path, { ignore: ["index", "label"] });
  } catch (error) {
    if (error instanceof InputError) return await readTable(path);
    throw error;
  }
}

async function main(): Promise<void> {
  const given = parseFlags(
    {
      name: "decode",
      examples: ["runs/vae-20260102-030405-0 codes.npy --out runs/decoded.png"],
      description: "Writes the row that a trained model decodes from each code, in the data's units.",
    },
    flags,
    Deno.args,
  );
  const { out = join(given.run, "decoded.csv") } = given;
  checkEnding(out, [".png"]);
  const run = readTrainedRun(given.run);
  const { recipe, config } = await recipeOfRun(run, given.recipe);
  const { table } = await readCodes(given.codes), found = table.values.length / table.count;
  using model = await openModel(run, recipe, config);
  const { width, codeSize } = model, isPicture = out.toLowerCase().endsWith(".png");
  if (found !== codeSize) {
    throw new InputError(
      `Cannot decode "${given.codes}": expected codes of ${codeSize} numbers, as "${given.run}" has them, but found ` +
        `${found}; give codes of this run`,
    );
  }
  const count = isPicture ? Math.min(IMAGES, table.count) : table.count;
  const values = table.values.subarray(0, count * codeSize);
  const decode = (codes: typeof values) => model.decode(Float32Array.from(codes));
  if (isPicture) {
    const rows = await forRows(values, codeSize, width, decode), columns = Math.ceil(Math.sqrt(count));
    writeFileAtomic(out, imageGrid(model.scaled(rows), count, storedShape(run), { columns }));
  } else {
    const columns = columnNames({ ...table, columns: undefined }, width);
    await writeRows(out, { name: "rows", columns }, { values, count }, decode);
  }
  print(`${count} rows saved in ${out}`);
}

if (import.meta.main) await runCommand(main);
