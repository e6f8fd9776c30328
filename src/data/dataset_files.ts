/**
 * Finds the four files of a data set on the local disk, and verifies that they are the published ones.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError, toOneLine } from "../errors.ts";
import { type CatalogueEntry, FILE_NAMES, FILE_ROLES, type FileRole, sha256 } from "./catalogue.ts";
import { expandIdx } from "./idx.ts";

/** One of the four files, in memory. */
export interface LoadedFile {
  readonly path: string;
  /** Decompressed bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of `bytes`, in hex. */
  readonly sum: string;
}

/** The files found in a folder. */
export interface Found {
  /** Path or URL of the folder. */
  readonly place: string;
  readonly files: ReadonlyMap<FileRole, LoadedFile>;
  /** Roles whose files were not found. */
  readonly missing: readonly FileRole[];
}

/** Limit on the size of a file in bytes, far above any built-in data set. */
const MAX_FILE_BYTES = 2 ** 29;

/** Receives one-line notes and warnings. */
export type Log = (line: string) => void;

/** Returns true for a place on the network: the included images, if the project was imported from a URL. */
function isUrl(place: string): boolean {
  return /^https?:/.test(place);
}

/** Fetches a file; undefined if it does not exist. */
async function fetchIfThere(url: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await fetch(url);
  if (response.ok) return await response.bytes();
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  throw new Error(`HTTP ${response.status} ${response.statusText}`.trimEnd());
}

/** Reads a file; undefined if it does not exist. */
async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    if (isUrl(path)) return await fetchIfThere(path);
    const { isFile, size } = await Deno.stat(path);
    if (!isFile || size > MAX_FILE_BYTES) {
      throw new Error(isFile ? `${size} bytes, more than ${MAX_FILE_BYTES}` : "no file");
    }
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof Deno.errors.NotCapable) {
      throw new InputError(
        `Cannot read "${path}": expected permission but have none; run with ${
          isUrl(path) ? `--allow-net=${new URL(path).host}` : "--allow-read"
        }`,
      );
    }
    const reason = toOneLine(error instanceof Error ? error.message : String(error));
    throw new InputError(
      `Cannot read "${path}": expected a readable file but found: ${reason}; check the path`,
    );
  }
}

/** Possible paths of a role's file in a folder: compressed and plain. */
function pathsOf(folder: string, role: FileRole): readonly string[] {
  const at = (name: string) => isUrl(folder) ? folder + name : join(folder, name);
  return [at(`${FILE_NAMES[role]}.gz`), at(FILE_NAMES[role])];
}

function foundIn(place: string, files: ReadonlyMap<FileRole, LoadedFile>): Found {
  return { place, files, missing: FILE_ROLES.filter((role) => !files.has(role)) };
}

/** Reads the files that a folder contains, without checking their checksums. */
export async function readFolder(folder: string): Promise<Found> {
  const files = new Map<FileRole, LoadedFile>();
  for (const role of FILE_ROLES) {
    for (const path of pathsOf(folder, role)) {
      const raw = await readIfThere(path);
      if (raw === undefined) continue;
      const bytes = expandIdx(raw, path);
      files.set(role, { path, bytes, sum: sha256(bytes) });
      break;
    }
  }
  return foundIn(folder, files);
}

/** Reads the published files that a folder contains; logs the files that it skips, with the reason. */
async function readVerified(entry: CatalogueEntry, folder: string, log: Log): Promise<Found> {
  const files = new Map<FileRole, LoadedFile>();
  for (const role of FILE_ROLES) {
    for (const path of pathsOf(folder, role)) {
      const raw = await readIfThere(path);
      if (raw === undefined) continue;
      try {
        const bytes = expandIdx(raw, path);
        const sum = sha256(bytes);
        if (sum === entry.sums[role]) {
          files.set(role, { path, bytes, sum });
          break;
        }
        log(`${entry.name}: skipping "${path}": expected SHA-256 ${entry.sums[role]} but found ${sum}`);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        log(`${entry.name}: skipping a damaged file: ${error.message}`);
      }
    }
  }
  return foundIn(folder, files);
}

/** Folders that may contain a data set's files, in search order. */
export function placesOf(entry: CatalogueEntry, cacheDir: string): readonly string[] {
  const cache = entry.mirrors.length > 0 ? [join(cacheDir, entry.name)] : [];
  return [
    ...cache,
    ...entry.folders.map((folder) =>
      !(folder instanceof URL) ? folder : folder.protocol === "file:" ? fileURLToPath(folder) : folder.href
    ),
  ];
}

/**
 * Finds the published files of a data set: in the cache folder, else in the folders of its catalogue entry
 * (the project's fixtures, Debian's package). Files with another checksum are logged and skipped.
 *
 * @returns the files of the first folder that contains all four, else those of the first folder
 */
export async function findFiles(entry: CatalogueEntry, cacheDir: string, log: Log): Promise<Found> {
  let first: Found | undefined;
  for (const folder of placesOf(entry, cacheDir)) {
    // Later folders are optional: without permission they are skipped instead of prompting or failing.
    if (
      first !== undefined &&
      (await Deno.permissions.query({ name: "read", path: folder })).state !== "granted"
    ) {
      log(`${entry.name}: skipping "${folder}", which needs --allow-read=${folder}`);
      continue;
    }
    const found = await readVerified(entry, folder, log);
    if (found.missing.length === 0) return found;
    first ??= found;
  }
  if (first === undefined) {
    throw new RangeError(`Cannot find "${entry.name}": its catalogue entry has no folder`);
  }
  return first;
}
