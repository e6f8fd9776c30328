// Lists the runs in a folder with their main figures, newest first.
// Run: deno task runs    (the same as: deno run --allow-read scripts/tools/runs.ts)
import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { InputError, visible } from "../../src/errors.ts";
import { print, printError, printJson, printText } from "../../src/terminal.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, parseFlags, text } from "../../src/recipe/flags.ts";
import { ioError } from "../../src/files/io_error.ts";
import { readRunFigures, type RunFigures } from "../../src/runs/read_run_data.ts";

const flags = {
  folder: text("runs", "folder of the run folders"),
  json: flag("print a JSON list with one object per run"),
};

/** Main figures of a run. */
interface Line {
  readonly name: string;
  readonly recipe: string;
  readonly startedAt: string;
  readonly status: string;
  readonly epochs: number | undefined;
  readonly testError: number | undefined;
  readonly accuracy: number | undefined;
  readonly loss: number | undefined;
}

/** Latest value in the metrics under any of the keys. */
function latest({ metrics }: RunFigures, ...keys: readonly string[]): number | undefined {
  for (const record of metrics.toReversed()) {
    for (const key of keys) if (typeof record[key] === "number") return record[key];
  }
  return undefined;
}

function lineOf(run: RunFigures): Line {
  const { name, recipe, startedAt, status } = run;
  const terms = Object.keys(run.metrics.find(({ step }) => step !== undefined) ?? {})
    .filter((key) => !["epoch", "step", "stage", "seconds", "gradientNorm", "tensors"].includes(key));
  const [term] = terms.includes("total") ? ["total"] : terms;
  return {
    name,
    recipe,
    startedAt,
    status,
    epochs: latest(run, "epoch"),
    testError: latest(run, "testError"),
    accuracy: latest(run, "accuracy"),
    loss: latest(run, "test.total", ...(term === undefined ? [] : [`test.${term}`, term])),
  };
}

/** Formats an aligned table, numbers flush right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => column < 3 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join(
      "  ",
    )
      .trimEnd()
  ).join("\n");
}

/** The files of a run that are read here. */
const READ = ["config.json", "metrics.jsonl", "results.json"];

/**
 * Reads a run. Its folder may be a link, but none of its files.
 *
 * @throws InputError if it cannot be read
 */
function readPlainRun(folder: string): RunFigures {
  for (const path of READ.map((name) => join(folder, name))) {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    throw new InputError(`Cannot list "${folder}": expected files but found a link, "${path}"; remove it`);
  }
  return readRunFigures(folder);
}

/** Reads the runs in a folder, newest first. Folders without config.json are skipped; a missing `runs/` has no runs. */
function runsIn(folder: string): RunFigures[] {
  const runs: RunFigures[] = [];
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      if (!existsSync(join(folder, name, "config.json"))) continue;
      try {
        runs.push(readPlainRun(join(folder, name)));
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        printError(`warning: ${error.message}`);
      }
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && folder === flags.folder.defaultValue) return runs;
    throw ioError(`Cannot list the runs in "${folder}"`, error);
  }
  return runs.sort((a, b) => b.startedAt < a.startedAt ? -1 : b.startedAt > a.startedAt ? 1 : 0);
}

function main(): Promise<void> {
  const info = {
    name: "runs",
    examples: ["--folder old-runs", "--json"],
    description: "Lists runs, newest first.",
  };
  const { folder, json } = parseFlags(info, flags, Deno.args);
  const lines = runsIn(folder).map(lineOf);
  if (json) printJson(lines);
  else if (lines.length === 0) print("no runs yet; train one: deno task train");
  else {
    const figure = (value: number | undefined, digits: number) => value?.toPrecision(digits) ?? "–";
    printText(aligned([
      ["run", "recipe", "status", "epochs", "test error", "5-NN", "own loss"],
      ...lines.map(({ name, recipe, status, epochs, testError, accuracy, loss }) => [
        ...[name, recipe, status].map((text) => visible(text)),
        `${epochs ?? "–"}`,
        figure(testError, 4),
        figure(accuracy, 3),
        figure(loss, 4),
      ]),
    ]));
  }
  return Promise.resolve();
}

if (import.meta.main) await runCommand(main);
