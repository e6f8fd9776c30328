// Encodes the rows of a data file by a trained model.
// Run: deno task encode runs/deep-… new.csv    writes encoded.csv into the run folder; --out names another file
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { parseFlags } from "../../src/recipe/flags.ts";
import { checkEnding, encodeRows } from "../../src/runs/rows_file.ts";
import { forRows, openRows, rowsFlags } from "./rows_of_run.ts";

async function main(): Promise<void> {
  const given = parseFlags(
    {
      name: "encode",
      examples: ["runs/deep-20260102-030405-0 new.csv", "runs/mine new.npy --out runs/codes.npy"],
      description: "Writes the code of each row of a data file.",
    },
    rowsFlags("encoded.csv in the run folder"),
    Deno.args,
  );
  const { out = join(given.run, "encoded.csv") } = given;
  checkEnding(out);
  using opened = await openRows(given);
  const { model, table: { values, labels, count } } = opened, { width, codeSize } = model;
  const codes = await forRows(values, width, codeSize, (rows) => model.encode(rows));
  const columns = Array.from({ length: codeSize }, (_, d) => `code_${d}`);
  writeFileAtomic(out, encodeRows(out, { name: "codes", columns, values: codes, labels }));
  console.log(`${count} codes of ${codeSize} numbers saved in ${out}`);
}

if (import.meta.main) await runCommand(main);
