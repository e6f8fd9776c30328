// Downloads data sets to where the recipes look for them, and holds every file to its published checksum.
// Run: deno task data mnist    or fashion-mnist, or both; what is on this machine already is not downloaded again
import { runCommand } from "../../src/cli/command.ts";
import { DATASET_CACHE } from "../../src/cli/open_dataset.ts";
import { CATALOGUE, findDataset } from "../../src/data/catalogue.ts";
import { type DownloadProgress, progressBar } from "../../src/data/download.ts";
import { downloadDataset } from "../../src/data/download_dataset.ts";
import { parseFlags, positionals } from "../../src/recipe/flags.ts";

const names = CATALOGUE.filter(({ mirrors }) => mirrors.length > 0).map(({ name }) => name);
const flags = { names: positionals("NAME", `data sets to download: ${names.join(", ")}`) };

/** Shows a download on stderr: on a terminal as one line that is rewritten, elsewhere at its start and its end. */
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
  const info = { name: "data", description: "Downloads data sets, and checks them." };
  const { names } = parseFlags(info, flags, Deno.args);
  for (const entry of names.map(findDataset)) {
    const { folder, downloaded } = await downloadDataset(entry, {
      cacheDir: DATASET_CACHE,
      log: (line) => console.error(line),
      onProgress: progressReporter(),
    });
    console.log(`${entry.name}: ${downloaded.length > 0 ? "saved" : "already there,"} in "${folder}"`);
  }
}

if (import.meta.main) await runCommand(main);
