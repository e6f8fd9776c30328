/**
 * The one way in which files are written: whole or not at all.
 * @module
 */

import { basename, dirname, join } from "node:path";
import { ioError } from "./io_error.ts";

/** Writes all bytes: the system may take fewer at once. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}

/**
 * Writes a whole file or nothing: writes it beside the target under another name, waits until it is on the
 * disk, and renames it. A file that was there before stays as it was if anything fails.
 *
 * @param path the file to write or replace
 * @param data its bytes, or its text
 * @throws InputError if the folder is missing, not writable or not permitted, or the disk is full
 */
export function writeFileAtomic(path: string, data: Uint8Array | string): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const beside = join(dirname(path), `.${basename(path)}.${Deno.pid}.partial`);
  let isOpened = false;
  try {
    {
      using file = Deno.openSync(beside, { write: true, create: true, truncate: true });
      isOpened = true;
      writeAll(file, bytes);
      file.syncSync();
    }
    Deno.renameSync(beside, path);
  } catch (error) {
    if (isOpened) {
      try {
        Deno.removeSync(beside);
      } catch { /* the first error is the one to report */ }
    }
    // Permission for the folder is what helps, not for the passing name in it.
    const refused = error instanceof Deno.errors.NotCapable
      ? new Deno.errors.NotCapable(error.message.replace(beside, dirname(path)))
      : error;
    throw ioError(`Cannot write "${path}"`, refused);
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
      if (/^\..*\.\d+\.partial$/.test(name)) Deno.removeSync(join(folder, name));
    }
  } catch (error) {
    throw ioError(`Cannot clear "${folder}"`, error);
  }
}
