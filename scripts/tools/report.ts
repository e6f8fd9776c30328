// Makes the report of a run again from what is in its folder, or one page that compares several runs.
// Run: deno task report runs/deep-…    (offline the same as: deno run --allow-read --allow-write=runs scripts/tools/report.ts RUN…)
import { join } from "node:path";
import { reportPage } from "../../src/report/page/report_page.ts";
import { runCommand } from "../../src/run/command.ts";
import { flag, optionalText, parseFlags, positionals } from "../../src/run/flags.ts";
import { readRunData } from "../../src/run/read_run_data.ts";
import { writeFileAtomic } from "../../src/run/run_folder.ts";

const flags = {
  runs: positionals("RUN", "folders of runs; several are compared"),
  out: optionalText("file to write", "report.html in the run's folder; runs/comparison.html for several"),
  cdn: flag("link chart.js and three.js from esm.sh, pinned, instead of holding them: a small file"),
};

function main(): Promise<void> {
  const { runs: folders, out, cdn } = parseFlags(
    { name: "report", description: "Makes the report of a run, or compares several." },
    flags,
    Deno.args,
  );
  const runs = folders.map((folder) => readRunData(folder));
  const path = out ?? (runs.length === 1 ? join(folders[0], "report.html") : join("runs", "comparison.html"));
  writeFileAtomic(path, reportPage(runs, { cdn }));
  console.log(`report written to ${path}`);
  return Promise.resolve();
}

if (import.meta.main) await runCommand(main);
