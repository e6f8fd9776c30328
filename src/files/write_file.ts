/**
 * The one way in which files are written: whole or not at all.
 * @module
 */

import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { ioError } from "./io_error.ts";

/** Writes all bytes: the system may take fewer at once. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}

/**
 * Writes a whole file or nothing (an atomic write): writes it beside the target under a name that nobody can foretell,
 * waits until it is on the disk, and renames it. A file that was there before stays as it was if anything fails, and a
 * symbolic link that stands under the target's name is replaced, not followed.
 *
 * @param path the file to write or replace
 * @param data its bytes, or its text
 * @throws InputError if the folder is missing, not writable or not permitted, or the disk is full
 */
export function writeFileAtomic(path: string, data: Uint8Array | string): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const partial = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.partial`);
  let isOpened = false;
  try {
    {
      using file = Deno.openSync(partial, { write: true, createNew: true });
      isOpened = true;
      writeAll(file, bytes);
      file.syncSync();
    }
    Deno.renameSync(partial, path);
  } catch (error) {
    if (isOpened) {
      try {
        Deno.removeSync(partial);
      } catch { /* the first error is the one to report */ }
    }
    // Permission for the folder is what helps, not for the passing name in it.
    const refused = error instanceof Deno.errors.NotCapable
      ? new Deno.errors.NotCapable(error.message.replace(partial, dirname(path)))
      : error;
    throw ioError(`Cannot write "${path}"`, refused);
  }
}

/**
 * Opens a file to append to it, or makes it. What stands there must be a plain file: a symbolic link could lead out of
 * the folder, and a pipe would never answer.
 *
 * @param path the file
 * @throws InputError if something else stands there
 */
export function openToAppend(path: string): Deno.FsFile {
  const stat = lstatIfThere(path);
  if (stat && !stat.isFile) {
    throw new InputError(
      `Cannot open "${path}": expected a plain file but found ${
        stat.isSymlink ? "a symbolic link" : stat.isDirectory ? "a folder" : "a device or a pipe"
      }; remove it`,
    );
  }
  const file = Deno.openSync(path, { read: true, append: true, ...(stat ? {} : { createNew: true }) });
  const { dev, ino } = file.statSync();
  if (stat && (stat.dev !== dev || stat.ino !== ino)) { // replaced in between
    file.close();
    throw new InputError(`Cannot open "${path}": it was replaced while it was opened; try again`);
  }
  return file;
}

function lstatIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Waits until the names of a folder's files are on the disk, as `sync` does for a file's contents. Windows cannot.
 *
 * @param folder the folder
 */
export function syncFolder(folder: string): void {
  if (Deno.build.os === "windows") return;
  using opened = Deno.openSync(folder);
  opened.syncSync();
}

/**
 * Removes a file, if it is there.
 *
 * @param path the file
 * @throws InputError if it is there and cannot be removed
 */
export function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError(`Cannot remove "${path}"`, error);
  }
}

/**
 * Removes what processes that were killed had begun to write. Nobody else may be writing to the folder.
 *
 * @param folder the run folder
 * @throws InputError if it cannot be removed
 */
export function removePartialFiles(folder: string): void {
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      if (/^\..*\.[\da-f-]+\.partial$/.test(name)) Deno.removeSync(join(folder, name));
    }
  } catch (error) {
    throw ioError(`Cannot clear "${folder}"`, error);
  }
}
