/**
 * Downloads the missing files of a data set, each from the first mirror with the complete file.
 * @module
 */
import { InputError } from "../errors.ts";
import { type CatalogueEntry, FILE_NAMES } from "./catalogue.ts";
import { findFiles, type Log } from "./dataset_files.ts";
import { downloadFile, type DownloadProgress } from "./download.ts";
import { ioError } from "../files/io_error.ts";

/** Options of {@link downloadDataset}. */
export interface DownloadDatasetOptions {
  /** Cache folder: files are saved in its subfolder with the data set's name. */
  readonly cacheDir: string;
  /** Receives one-line notes, such as a file skipped for its checksum. */
  readonly log?: Log | undefined;
  /** Called during a download; `progressBar` formats the progress. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Timeout in ms without a received byte, after which the next mirror is tried; 20,000 by default. */
  readonly silenceMs?: number | undefined;
}

/** Result of {@link downloadDataset}. */
export interface DownloadedDataset {
  /** Folder that contains the four files. */
  readonly folder: string;
  /** Names of the downloaded files; empty if no file was missing. */
  readonly downloaded: readonly string[];
}

/**
 * Downloads the missing or damaged files of a data set to the folder where `loadDataset` finds them. Needs
 * `--allow-write` for the cache folder and `--allow-net` for the hosts of the mirrors.
 *
 * @throws {InputError} if every mirror of a file fails, or the folder cannot be written
 */
export async function downloadDataset(
  entry: CatalogueEntry,
  { cacheDir, log = () => {}, onProgress, silenceMs }: DownloadDatasetOptions,
): Promise<DownloadedDataset> {
  const { place, missing } = await findFiles(entry, cacheDir, log);
  const { name, mirrors, sums } = entry;
  if (missing.length > 0 && mirrors.length === 0) {
    throw new InputError(
      `Cannot download "${name}": expected its files in "${place}", as no mirror has them; ${entry.hint}`,
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

/** Creates the folder before the download, which would be wasted if the folder were not writable. */
function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw ioError(`Cannot make the folder "${folder}"`, error);
  }
}
