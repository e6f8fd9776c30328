// Decodes codes by a trained model.
// Run: deno task decode runs/deep-… runs/codes.csv --out runs/decoded.png    a picture, where rows are images
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { type FileTable, readTable } from "../../src/data/read_table.ts";
import { InputError } from "../../src/errors.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { openModel } from "../../src/model/loaded_model.ts";
import { optionalText, parseFlags, positional } from "../../src/recipe/flags.ts";
import { imageGrid } from "../../src/report/picture.ts";
import { readTrainedRun, storedShape } from "../../src/runs/load_run.ts";
import { checkEnding, encodeRows } from "../../src/runs/rows_file.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";
import { columnNames, forRows } from "./rows_of_run.ts";

/** Maximum number of images in a picture. */
const IMAGES = 1000;

const flags = {
  run: positional("RUN", "run folder"),
  codes: positional("CODES", "file of codes, such as encode writes"),
  out: optionalText("file to write: .csv, .npy, .safetensors or .png", "decoded.csv in the run folder"),
  recipe: recipeFlag(),
};

/** Reads codes; a CSV file may have columns `index` and `label`, as those of this project do. */
async function readCodes(path: string): Promise<FileTable> {
  try {
    return await readTable(path, { ignore: ["index", "label"] });
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
  const rows = await forRows(values, codeSize, width, (codes) => model.decode(Float32Array.from(codes)));
  if (isPicture) {
    const columns = Math.ceil(Math.sqrt(count));
    writeFileAtomic(out, imageGrid(model.scaled(rows), count, storedShape(run), { columns }));
  } else {
    const columns = columnNames({ ...table, columns: undefined }, width);
    writeFileAtomic(out, encodeRows(out, { name: "rows", columns, values: rows }));
  }
  console.log(`${count} rows saved in ${out}`);
}

if (import.meta.main) await runCommand(main);
