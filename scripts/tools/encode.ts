// Encodes the rows of a data file by a trained model.
// Run: deno task encode runs/deep-… new.csv                        writes encoded.csv into the run folder
//      deno task encode runs/deep-… new.csv --layer encoder.2      activations of a layer
//      deno task encode runs/vae-… new.csv --with-deviation        means and standard deviations
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { InputError } from "../../src/errors.ts";
import { print } from "../../src/terminal.ts";
import { flag, optionalText, parseFlags } from "../../src/recipe/flags.ts";
import { checkEnding } from "../../src/runs/rows_file.ts";
import { openRows, rowsFlags, warnOfBeyond, writeRows } from "./rows_of_run.ts";

const flags = {
  ...rowsFlags("encoded.csv in the run folder"),
  layer: {
    ...optionalText("layer whose activations to write, such as encoder.0", "the code"),
    placeholder: "name",
  },
  withDeviation: flag("add the standard deviations of a variational model's codes"),
};

async function main(): Promise<void> {
  const given = parseFlags(
    {
      name: "encode",
      examples: ["runs/deep-20260102-030405-0 new.csv", "runs/mine new.npy --out runs/codes.npy"],
      description: "Writes the code of each row of a data file.",
    },
    flags,
    Deno.args,
  );
  const { out = join(given.run, "encoded.csv"), layer, withDeviation } = given;
  checkEnding(out);
  if (layer !== undefined && withDeviation) {
    throw new InputError("Cannot use --layer and --with-deviation together: choose one");
  }
  using opened = await openRows(given);
  const { model, table } = opened, { codeSize } = model;
  const named = (name: string, size: number) => Array.from({ length: size }, (_, d) => `${name}_${d}`);
  let columns = named("code", codeSize);
  if (layer !== undefined) columns = named("unit", model.layers.get(layer) ?? 0);
  else if (withDeviation) columns = [...columns, ...named("deviation", codeSize)];
  await writeRows(out, { name: "codes", columns }, table, async (rows) => {
    if (layer !== undefined) return await model.activations(rows, layer);
    const means = await model.encode(rows);
    return withDeviation ? besideEachOther(means, await model.deviation(rows), codeSize) : means;
  });
  warnOfBeyond(opened);
  const what = layer === undefined ? "codes" : "activations";
  print(`${table.count} ${what} of ${columns.length} numbers saved in ${out}`);
}

/** Joins the rows of two arrays of equal width. */
function besideEachOther(left: Float32Array, right: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: 2 * left.length }, (_, k) => {
    const n = Math.floor(k / (2 * width)), column = k % (2 * width);
    return column < width ? left[n * width + column] : right[n * width + column - width];
  });
}

if (import.meta.main) await runCommand(main);
