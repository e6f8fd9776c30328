// Downloads data sets to the folder that recipes read, and verifies each file's published checksum.
// Run: deno task data mnist    or fashion-mnist, or both; files already on this machine are not downloaded again
import { runCommand } from "../../src/cli/command.ts";
import { DATASET_CACHE } from "../../src/cli/open_dataset.ts";
import { CATALOGUE, findDataset } from "../../src/data/catalogue.ts";
import { type DownloadProgress, progressBar } from "../../src/data/download.ts";
import { downloadDataset } from "../../src/data/download_dataset.ts";
import { parseFlags, positionals } from "../../src/recipe/flags.ts";
import { print, printError } from "../../src/terminal.ts";

const names = CATALOGUE.filter(({ mirrors }) => mirrors.length > 0).map(({ name }) => name);
const flags = { names: positionals("NAME", `data sets to download: ${names.join(", ")}`) };

/** Shows a download on stderr: on a terminal as one rewritten line, elsewhere at its start and end only. */
function progressReporter(): (progress: DownloadProgress) => void {
  const isTerminal = Deno.stderr.isTerminal();
  const show = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  let isOpen = false;
  return (progress) => {
    const isWhole = progress.received === progress.total;
    if (isTerminal) show(`\r${progressBar(progress)}${isWhole ? "\n" : ""}`);
    else if (!isOpen || isWhole) show(`${progressBar(progress)}\n`);
    isOpen = !isWhole;
  };
}

async function main(): Promise<void> {
  const info = { name: "data", description: "Downloads data sets and verifies their checksums." };
  const { names } = parseFlags(info, flags, Deno.args);
  for (const entry of names.map(findDataset)) {
    const { folder, downloaded } = await downloadDataset(entry, {
      cacheDir: DATASET_CACHE,
      log: (line) => printError(line),
      onProgress: progressReporter(),
    });
    print(`${entry.name}: ${downloaded.length > 0 ? "saved" : "already present"} in "${folder}"`);
  }
}

if (import.meta.main) await runCommand(main);
