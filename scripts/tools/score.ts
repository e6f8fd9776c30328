// Scores the rows of a data file by their reconstruction error: anomalies have high scores.
// Run: deno task score runs/deep-… new.csv    writes scores.csv and scores.svg into the run folder; --out names others
import { basename, extname, join } from "node:path";
import { runCommand } from "../../src/cli/command.ts";
import { InputError } from "../../src/errors.ts";
import { print, printError } from "../../src/terminal.ts";
import { scoreThreshold } from "../../src/evaluate/score_threshold.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { number, optionalNumber, optionalTexts, parseFlags } from "../../src/recipe/flags.ts";
import { scoresChart } from "../../src/report/scores_chart.ts";
import { checkEnding } from "../../src/runs/rows_file.ts";
import { readScores } from "../../src/runs/scores_file.ts";
import { averagePrecision } from "../../src/stats/average_precision.ts";
import { shareUpTo } from "../../src/stats/quantiles.ts";
import { rocAuc } from "../../src/stats/roc_auc.ts";
import { openRows, rowsFlags, warnOfBeyond, writeRows } from "./rows_of_run.ts";

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
  normal: optionalTexts(
    "classes that are normal: compares all others with them (ROC AUC, average precision)",
    "classes",
  ),
};

async function main(): Promise<void> {
  const given = parseFlags(
    {
      name: "score",
      examples: ["runs/deep-20260102-030405-0 new.csv", "runs/mine new.csv --label class --normal good"],
      description: "Writes the reconstruction error of each row of a data file, and draws their histogram.",
    },
    flags,
    Deno.args,
  );
  const { out = join(given.run, "scores.csv"), normal } = given;
  checkEnding(out);
  using opened = await openRows(given);
  const { model, table } = opened, { labels, classNames, count } = table;
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
  warnOfBeyond(opened);
  const heldOut = readScores(opened.run)?.toSorted();
  const threshold = heldOut && scoreThreshold(heldOut, given);
  const columns = heldOut ? ["score", "quantile", "above"] : ["score"], scores = new Float32Array(count);
  await writeRows(out, { name: "scores", columns }, table, async (rows, first) => {
    const some = await model.score(rows);
    scores.set(some, first);
    return heldOut
      ? Float32Array.from({ length: 3 * some.length }, (_, k) => {
        const score = some[Math.floor(k / 3)];
        return [score, shareUpTo(heldOut, score), score > threshold!.value ? 1 : 0][k % 3];
      })
      : some;
  });
  const isAnomaly = normalClasses && Array.from(labels!, (label) => !normalClasses.includes(label));
  const picture = out.slice(0, -extname(out).length) + ".svg";
  writeFileAtomic(
    picture,
    scoresChart(
      isAnomaly
        ? [
          { label: `normal (${normal!.join(", ")})`, scores: scores.filter((_, n) => !isAnomaly[n]) },
          { label: "other classes", scores: scores.filter((_, n) => isAnomaly[n]) },
        ]
        : [
          ...(heldOut ? [{ label: "test rows of the run", scores: heldOut }] : []),
          { label: `rows of ${basename(given.file)}`, scores },
        ],
      threshold,
    ),
  );
  const mean = scores.reduce((sum, score) => sum + score, 0) / count;
  print(
    `${count} scores saved in ${out}, their histogram in ${picture}; squared error per column, mean: ${
      mean.toFixed(5)
    }`,
  );
  if (threshold) {
    const above = scores.filter((score) => score > threshold.value).length;
    print(
      `${above} rows above ${threshold.value.toPrecision(4)} (${threshold.rule} of the errors of ` +
        `${heldOut!.length} test rows)`,
    );
  } else printError(`warning: "${given.run}" has no errors of its test rows to compare with; train again`);
  if (isAnomaly) print(separationOf(scores, isAnomaly));
}

/** Line about how well scores tell anomalies from normal rows. */
function separationOf(scores: Float32Array, isAnomaly: readonly boolean[]): string {
  const count = scores.length, anomalies = isAnomaly.filter(Boolean).length;
  if (anomalies === 0 || anomalies === count) {
    return `no ROC AUC: all ${count} rows are ${anomalies === 0 ? "normal" : "of other classes"}`;
  }
  return `ROC AUC ${rocAuc(scores, isAnomaly).toFixed(3)}, average precision ${
    averagePrecision(scores, isAnomaly).toFixed(3)
  } (${(anomalies / count).toFixed(3)} by chance): ${anomalies} rows of other classes against ${
    count - anomalies
  } normal ones`;
}

if (import.meta.main) await runCommand(main);
