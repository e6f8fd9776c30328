// Regenerates the report of a run from its folder, or makes one page that compares several runs.
// Run: deno task report runs/deep-…    (the same as: deno run --allow-read --allow-write=runs scripts/tools/report.ts RUN…)
import { join } from "node:path";
import { reportPage } from "../../src/report/page/report_page.ts";
import { runCommand } from "../../src/cli/command.ts";
import type { RunData } from "../../src/report/run_data.ts";
import { RECIPE_NAMES } from "./find_recipe.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";
import { flag, optionalText, parseFlags, positionals } from "../../src/recipe/flags.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import { readRun } from "../../src/runs/run_config.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { print } from "../../src/terminal.ts";

const flags = {
  runs: positionals("RUN", "run folders; several are compared on one page"),
  recipe: recipeFlag(),
  out: optionalText("HTML file to write", "report.html in the run folder; runs/comparison.html for several"),
  cdn: flag("load chart.js and three.js from esm.sh (pinned versions) instead of embedding them"),
};

async function main(): Promise<void> {
  const { runs: folders, recipe, out, cdn } = parseFlags(
    {
      name: "report",
      examples: ["runs/deep-20260102-030405-0", "runs/first runs/second --out comparison.html"],
      description: "Regenerates the report of a run, or compares several runs.",
    },
    flags,
    Deno.args,
  );
  const runs: RunData[] = [];
  for (const folder of folders) runs.push(await withUnits(readRunData(folder), folder, recipe));
  const path = out ?? (runs.length === 1 ? join(folders[0], "report.html") : join("runs", "comparison.html"));
  writeFileAtomic(path, reportPage(runs, { cdn }));
  print(`report written to ${path}`);
}

/** Adds the unit of the losses to a run. Older runs did not store it, so it comes from their recipe. */
async function withUnits(run: RunData, folder: string, path: string | undefined): Promise<RunData> {
  const isKnown = "script" in run.facts || "lossUnit" in run.facts;
  if (isKnown && path === undefined) return run;
  if (path === undefined && !RECIPE_NAMES.includes(run.recipe)) return run;
  const { recipe, config } = await recipeOfRun(readRun(folder), path);
  const { lossUnit, lossIsPerBatch } = recipe.evaluation?.({ ...recipe.architecture, ...config }) ?? {};
  const units = { ...(lossUnit ? { lossUnit } : {}), ...(lossIsPerBatch ? { lossIsPerBatch } : {}) };
  return { ...run, facts: { ...units, ...run.facts } };
}

if (import.meta.main) await runCommand(main);
