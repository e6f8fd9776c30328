// Scores the rows of a data file by their reconstruction error: anomalies have high scores.
// Run: deno task score runs/deep-… new.csv    writes scores.csv into the run folder; --out names another file
import { join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { InputError } from "../../src/errors.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { number, optionalNumber, optionalTexts, parseFlags } from "../../src/recipe/flags.ts";
import { checkEnding, encodeRows } from "../../src/runs/rows_file.ts";
import { readScores } from "../../src/runs/scores_file.ts";
import { quantileOf, shareUpTo } from "../../src/stats/quantiles.ts";
import { rocAuc } from "../../src/stats/roc_auc.ts";
import { standardDeviation } from "../../src/stats/standard_deviation.ts";
import { forRows, openRows, rowsFlags, warnOfBeyond } from "./rows_of_run.ts";

const flags = {
  ...rowsFlags("scores.csv in the run folder"),
  quantile: number(0.99, "rows above this quantile of the errors of the run's test rows are marked", {
    min: 0,
    max: 1,
  }),
  deviations: optionalNumber("mark rows above the mean and this many standard deviations of those errors", {
    min: 0,
    absent: "--quantile",
  }),
  normal: optionalTexts("classes that are normal: prints the ROC AUC of all others against them", "classes"),
};

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

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
  warnOfBeyond(opened);
  const heldOut = readScores(opened.run)?.toSorted();
  const threshold = heldOut &&
    (given.deviations === undefined
      ? quantileOf(heldOut, given.quantile)
      : meanOf(heldOut) + given.deviations * standardDeviation(heldOut, 1));
  const [columns, rows] = heldOut
    ? [
      ["score", "quantile", "above"],
      Float32Array.from({ length: 3 * count }, (_, k) => {
        const score = scores[Math.floor(k / 3)];
        return [score, shareUpTo(heldOut, score), score > threshold! ? 1 : 0][k % 3];
      }),
    ]
    : [["score"], scores];
  writeFileAtomic(out, encodeRows(out, { name: "scores", columns, values: rows, labels }));
  console.log(
    `${count} scores saved in ${out}; squared error per column, mean: ${meanOf(scores).toFixed(5)}`,
  );
  if (heldOut) {
    const rule = given.deviations === undefined
      ? `quantile ${given.quantile}`
      : `mean and ${given.deviations} standard deviations`;
    const above = scores.filter((score) => score > threshold!).length;
    console.log(
      `${above} rows above ${
        threshold!.toPrecision(4)
      } (${rule} of the errors of ${heldOut.length} test rows)`,
    );
  } else console.error(`warning: "${given.run}" has no errors of its test rows to compare with; train again`);
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
