/**
 * The four files of a data set on this machine: where they are looked for, and which of them are the published ones.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError, toOneLine } from "../errors.ts";
import { type CatalogueEntry, FILE_NAMES, FILE_ROLES, type FileRole, sha256 } from "./catalogue.ts";
import { expandIdx } from "./idx.ts";

/** One of the four files, read. */
export interface LoadedFile {
  /** Its path. */
  readonly path: string;
  /** Its decompressed bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Their SHA-256 in hex. */
  readonly sum: string;
}

/** What a folder holds of the four files. */
export interface Found {
  /** The folder. */
  readonly place: string;
  /** Those that are there. */
  readonly files: ReadonlyMap<FileRole, LoadedFile>;
  /** Those that are not. */
  readonly missing: readonly FileRole[];
}

/** More than any set this project is meant for, and little enough to read. */
const MAX_FILE_BYTES = 2 ** 29;

/** Receives one-line notes and warnings. */
export type Log = (line: string) => void;

/** Whether a place is on the network: that of the shipped images, where this project was imported from there. */
function isUrl(place: string): boolean {
  return /^https?:/.test(place);
}

/** Fetches a file, or gives undefined if it is not there. */
async function fetchIfThere(url: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await fetch(url);
  if (response.ok) return await response.bytes();
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  throw new Error(`HTTP ${response.status} ${response.statusText}`.trimEnd());
}

/** Reads a file, or gives undefined if it is not there. */
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

/** The two names under which a role's file may lie in a folder. */
function pathsOf(folder: string, role: FileRole): readonly string[] {
  const at = (name: string) => isUrl(folder) ? folder + name : join(folder, name);
  return [at(`${FILE_NAMES[role]}.gz`), at(FILE_NAMES[role])];
}

function foundIn(place: string, files: ReadonlyMap<FileRole, LoadedFile>): Found {
  return { place, files, missing: FILE_ROLES.filter((role) => !files.has(role)) };
}

/** Reads what a folder holds of the four files, whatever their checksums. */
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

/** Reads those of a folder's four files that are the published ones; says which were passed over, and why. */
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
        log(`${entry.name}: passing over "${path}": expected SHA-256 ${entry.sums[role]} but found ${sum}`);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        log(`${entry.name}: passing over a damaged file: ${error.message}`);
      }
    }
  }
  return foundIn(folder, files);
}

/** The folders that may hold a data set's files, in the order in which they are looked at. */
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
 * Finds the published files of a data set: in the cache folder, else in the folders that the catalogue names (the
 * project's own fixtures, Debian's package). What does not have the published checksum is reported and passed over.
 *
 * @returns the files of the first folder that has all four, else those of the first folder
 */
export async function findFiles(entry: CatalogueEntry, cacheDir: string, log: Log): Promise<Found> {
  let first: Found | undefined;
  for (const folder of placesOf(entry, cacheDir)) {
    // The cache is ours; a folder outside the granted ones is no reason to ask or to stop where there is another.
    if (
      first !== undefined &&
      (await Deno.permissions.query({ name: "read", path: folder })).state !== "granted"
    ) {
      log(`${entry.name}: not looking in "${folder}", which needs --allow-read=${folder}`);
      continue;
    }
    const found = await readVerified(entry, folder, log);
    if (found.missing.length === 0) return found;
    first ??= found;
  }
  if (first === undefined) throw new RangeError(`Cannot find "${entry.name}": its entry names no folder`);
  return first;
}
