// Scores the rows of a data file by their reconstruction error: anomalies have high scores.
// Run: deno task score runs/deep-… new.csv    writes scores.csv into the run folder; --out names another file
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { InputError } from "../../src/errors.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { optionalTexts, parseFlags } from "../../src/recipe/flags.ts";
import { checkEnding, encodeRows } from "../../src/runs/rows_file.ts";
import { rocAuc } from "../../src/stats/roc_auc.ts";
import { forRows, openRows, rowsFlags } from "./rows_of_run.ts";

const flags = {
  ...rowsFlags("scores.csv in the run folder"),
  normal: optionalTexts("classes that are normal: prints the ROC AUC of all others against them", "classes"),
};

async function main(): Promise<void> {
  const given = parseFlags(
    {
      name: "score",
      examples: ["runs/deep-20260102-030405-0 new.csv", "runs/mine new.csv --label class --normal good"],
      description: "Writes the reconstruction error of each row of a data file.",
    },
    flags,
    Deno.args,
  );
  const { out = join(given.run, "scores.csv"), normal } = given;
  checkEnding(out);
  using opened = await openRows(given);
  const { model, table: { values, labels, classNames, count } } = opened;
  const normalClasses = normal?.map((name) => classNames.indexOf(name));
  if (normalClasses && (!labels || normalClasses.includes(-1))) {
    const found = labels ? classNames.slice(0, 10).join(", ") : "a file without classes";
    throw new InputError(
      `Cannot compare with ${normal!.join(", ")}: expected its classes but found ${found}`,
      {
        settings: ["normal", "label", "labels"],
      },
    );
  }
  const scores = await forRows(values, model.width, 1, (rows) => model.score(rows));
  writeFileAtomic(out, encodeRows(out, { name: "scores", columns: ["score"], values: scores, labels }));
  const mean = scores.reduce((sum, score) => sum + score, 0) / count;
  console.log(`${count} scores saved in ${out}; squared error per column, mean: ${mean.toFixed(5)}`);
  if (!normalClasses) return;
  const isAnomaly = Array.from(labels!, (label) => !normalClasses.includes(label));
  const anomalies = isAnomaly.filter(Boolean).length;
  console.log(
    `ROC AUC ${rocAuc(scores, isAnomaly).toFixed(3)}: ${anomalies} rows of other classes against ${
      count - anomalies
    } ` +
      `normal ones`,
  );
}

if (import.meta.main) await runCommand(main);
