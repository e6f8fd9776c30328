/**
 * Atomic writes, appending and removal of files.
 * @module
 */

import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { ioError } from "./io_error.ts";

/** Writes all bytes; a single write may accept fewer. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}

/**
 * A file that is written in parts, to a temporary file with a random name in the same folder, and has its own name once
 * it is finished. If anything fails before, or it is disposed of, an existing file is unchanged and nothing is left. A
 * symbolic link is replaced, not followed.
 */
export class AtomicFile implements Disposable {
  readonly #path: string;
  readonly #partial: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  /**
   * Creates the temporary file.
   *
   * @param path path of the file to create or replace
   * @throws InputError if the folder is missing, not writable or not permitted
   */
  constructor(path: string) {
    this.#path = path;
    this.#partial = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.partial`);
    this.#file = this.#attempt(() => Deno.openSync(this.#partial, { write: true, createNew: true }));
  }

  /**
   * Appends bytes.
   *
   * @throws InputError if the disk is full
   */
  write(bytes: Uint8Array): void {
    this.#attempt(() => writeAll(this.#file, bytes));
  }

  /**
   * Syncs the file to disk and gives it its name.
   *
   * @throws InputError if that fails, such as for a path that is a folder
   */
  finish(): void {
    this.#attempt(() => {
      this.#file.syncSync();
      Deno.renameSync(this.#partial, this.#path);
    });
    this.#close();
  }

  /** Closes the file; removes it if it is not finished. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#close();
    try {
      Deno.removeSync(this.#partial);
    } catch { /* reports the first error */ }
  }

  #close(): void {
    this.#file.close();
    this.#isOpen = false;
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      // names the folder, as permission for the temporary file would not help
      const refused = error instanceof Deno.errors.NotCapable
        ? new Deno.errors.NotCapable(error.message.replace(this.#partial, dirname(this.#path)))
        : error;
      throw ioError(`Cannot write "${this.#path}"`, refused);
    }
  }
}

/**
 * Writes a file atomically, as an {@link AtomicFile}.
 *
 * @param path path of the file to create or replace
 * @param data bytes or text of the file
 * @throws InputError if the folder is missing, not writable or not permitted, or the disk is full
 */
export function writeFileAtomic(path: string, data: Uint8Array | string): void {
  using file = new AtomicFile(path);
  file.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
  file.finish();
}

/**
 * Opens a file for appending, creating it if missing. It must be a plain file of one name: a link, symbolic or hard,
 * could lead to a file outside the folder, and opening a pipe could block.
 *
 * @throws InputError if the path is not a plain file, or the file has another name besides
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
  const { dev, ino, nlink } = file.statSync();
  if (stat && (stat.dev !== dev || stat.ino !== ino)) { // replaced meanwhile
    file.close();
    throw new InputError(`Cannot open "${path}": it was replaced during opening; try again`);
  }
  if (nlink !== null && nlink > 1) {
    file.close();
    throw new InputError(
      `Cannot open "${path}": expected a file of its own but found a hard link; replace it by a copy`,
    );
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

/** Syncs a folder's entries to disk; does nothing on Windows, which does not support it. */
export function syncFolder(folder: string): void {
  if (Deno.build.os === "windows") return;
  using opened = Deno.openSync(folder);
  opened.syncSync();
}

/**
 * Removes a file if it exists.
 *
 * @throws InputError if it exists and cannot be removed
 */
export function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError(`Cannot remove "${path}"`, error);
  }
}

/** Returns true for the name of a temporary file of an {@link AtomicFile}. */
export function isPartial(name: string): boolean {
  return /^\..*\.[\da-f-]+\.partial$/.test(name);
}

/**
 * Removes temporary files that killed processes have left. No other process may be writing to the folder.
 *
 * @throws InputError if they cannot be removed
 */
export function removePartialFiles(folder: string): void {
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      if (isPartial(name)) Deno.removeSync(join(folder, name));
    }
  } catch (error) {
    throw ioError(`Cannot clear "${folder}"`, error);
  }
}
