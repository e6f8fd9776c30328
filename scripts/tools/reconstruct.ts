// Reconstructs the rows of a data file by a trained model.
// Run: deno task reconstruct runs/deep-… new.csv --out runs/pairs.png    a picture of rows above their reconstructions
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { parseFlags } from "../../src/recipe/flags.ts";
import { reconstructionGrid } from "../../src/report/picture.ts";
import { storedShape } from "../../src/runs/load_run.ts";
import { checkEnding } from "../../src/runs/rows_file.ts";
import { columnNames, forRows, openRows, rowsFlags, warnOfBeyond, writeRows } from "./rows_of_run.ts";
import { print } from "../../src/terminal.ts";

/** Maximum number of pairs in a picture. */
const PAIRS = 60;

async function main(): Promise<void> {
  const given = parseFlags(
    {
      name: "reconstruct",
      examples: ["runs/deep-20260102-030405-0 new.csv", "runs/mine new.npy --out runs/pairs.png"],
      description:
        "Writes the reconstruction of each row of a data file, in the data's units; .png draws the first.",
    },
    rowsFlags("reconstructed.csv in the run folder"),
    Deno.args,
  );
  const { out = join(given.run, "reconstructed.csv") } = given;
  checkEnding(out, [".png"]);
  using opened = await openRows(given);
  const { run, model, table } = opened, { width } = model, isPicture = out.toLowerCase().endsWith(".png");
  const count = isPicture ? Math.min(PAIRS, table.count) : table.count;
  const reconstruct = (rows: typeof table.values) => model.reconstruct(rows);
  warnOfBeyond(opened);
  if (isPicture) {
    const values = table.values.subarray(0, count * width);
    const output = await forRows(values, width, width, reconstruct);
    const [shown, drawn] = [model.scaled(values), model.scaled(output)];
    writeFileAtomic(out, reconstructionGrid([shown, drawn], count, storedShape(run)));
  } else {
    await writeRows(out, { name: "rows", columns: columnNames(table, width) }, table, reconstruct);
  }
  print(`${count} reconstructions saved in ${out}`);
}

if (import.meta.main) await runCommand(main);
