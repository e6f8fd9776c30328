/**
 * Finding a command's data set, and saying in a line what was found.
 * @module
 */
import { type Dataset, loadDataset } from "../data/dataset.ts";
import { progressBar } from "../data/download.ts";
import { fileURLToPath } from "node:url";

/** Where downloads are kept; git ignores it. */
const CACHE_FOLDER = fileURLToPath(new URL("../../.cache/datasets", import.meta.url));

/** The flags that say which data set. */
export interface DatasetChoice {
  /** Its name. */
  readonly dataset: string;
  /** Where to look for it, instead of the usual places. */
  readonly dataDir?: string | undefined;
  /** How many training images to use. */
  readonly limit?: number | undefined;
}

/**
 * Loads the data set that the flags name, downloading it if need be.
 *
 * @throws InputError if it cannot be had
 */
export async function openDataset({ dataset, dataDir, limit }: DatasetChoice): Promise<Dataset> {
  const isTerminal = Deno.stderr.isTerminal();
  const show = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  let isOpen = false;
  const data = await loadDataset(dataset, {
    cacheDir: CACHE_FOLDER,
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(limit === undefined ? {} : { limit }),
    log: (line) => console.error(line),
    onProgress: (progress) => {
      const isWhole = progress.received === progress.total;
      if (isTerminal) show(`\r${progressBar(progress)}${isWhole ? "\n" : ""}`);
      else if (!isOpen || isWhole) show(`${progressBar(progress)}\n`);
      isOpen = !isWhole;
    },
  });
  console.log(`data      ${data.source}`);
  return data;
}
