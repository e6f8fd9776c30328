/**
 * Downloads the files of a data set that are not on this machine, each from the first mirror that has it whole.
 * @module
 */
import { InputError } from "../errors.ts";
import { type CatalogueEntry, FILE_NAMES } from "./catalogue.ts";
import { findFiles, type Log } from "./dataset_files.ts";
import { downloadFile, type DownloadProgress } from "./download.ts";
import { ioError } from "../files/io_error.ts";

/** Where to put what is downloaded, and whom to tell. */
export interface DownloadDatasetOptions {
  /** The files come into this folder's subfolder with the data set's name. */
  readonly cacheDir: string;
  /** Receives one-line notes, such as a file passed over for its checksum. */
  readonly log?: Log | undefined;
  /** Called as a download goes on; `progressBar` makes a line of it. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Give a mirror up after so many milliseconds without a byte; 20,000 if not given. */
  readonly silenceMs?: number | undefined;
}

/** What a download came to. */
export interface DownloadedDataset {
  /** The folder that holds the four files. */
  readonly folder: string;
  /** The names of those that were downloaded; none if all were on this machine already. */
  readonly downloaded: readonly string[];
}

/**
 * Sees to it that a data set's four published files are on this machine where `loadDataset` looks for them. Only what
 * is missing or damaged is downloaded. Needs `--allow-write` for the cache folder and `--allow-net` for the hosts of
 * the mirrors.
 *
 * @throws {InputError} if a file has no mirror that has it whole, or the folder cannot be written
 */
export async function downloadDataset(
  entry: CatalogueEntry,
  { cacheDir, log = () => {}, onProgress, silenceMs }: DownloadDatasetOptions,
): Promise<DownloadedDataset> {
  const { place, missing } = await findFiles(entry, cacheDir, log);
  const { name, mirrors, sums } = entry;
  if (missing.length > 0 && mirrors.length === 0) {
    throw new InputError(
      `Cannot download "${name}": expected its files in "${place}", for no mirror has them; ${entry.hint}`,
    );
  }
  if (missing.length > 0) makeFolder(place);
  const downloaded: string[] = [];
  for (const role of missing) {
    const file = `${FILE_NAMES[role]}.gz`;
    log(`${name}: downloading ${file}`);
    await downloadFile({ file, mirrors, sum: sums[role], folder: place, onProgress, silenceMs });
    downloaded.push(file);
  }
  return { folder: place, downloaded };
}

/** Makes the folder before anything is asked for, so that what cannot be kept is not downloaded. */
function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw ioError(`Cannot make the folder "${folder}"`, error);
  }
}
