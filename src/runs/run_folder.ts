/**
 * The folder of a training run, which holds `config.json`, `metrics.jsonl` and all other files. A new run
 * never overwrites existing files, and all files except `metrics.jsonl` are written atomically.
 * @module
 */

import { join } from "node:path";
import { InputError, shellWord } from "../errors.ts";
import { ioError } from "../files/io_error.ts";
import { isPartial, removePartialFiles } from "../files/write_file.ts";

/** Valid recipe names, which are part of folder names. */
export const RECIPE_NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** Options of {@link createRunFolder}. */
export interface RunFolderOptions {
  /** Name of the recipe: lowercase letters, digits, `-` and `_`. */
  readonly recipe: string;
  /** Seed of the run. */
  readonly seed: number;
  /** New or empty folder to use instead of one under `root`; temporary files of a killed run in it are removed. */
  readonly out?: string | undefined;
  /** Parent folder of all runs; default `runs`. */
  readonly root?: string;
  /** Start time of the run; default now. */
  readonly startedAt?: Date;
}

/** Names in a folder, but for temporary files. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => !isPartial(name)).sort();
}

/**
 * Refuses to resume a run that was stopped before it had its `config.json`.
 *
 * @throws InputError if the folder has nothing but temporary files
 */
export function refuseUnbegun(folder: string): void {
  try {
    if (filesIn(folder).length > 0) return;
  } catch {
    return; // reading the run says what is wrong
  }
  throw new InputError(
    `Cannot resume "${folder}": expected config.json but found none: the run was stopped before training began; ` +
      `start it again with its own flags and --out ${shellWord(folder)}`,
  );
}

/** Formats a local time as `20260102-030405`. */
function timestamp(date: Date): string {
  const digits = (value: number, count = 2) => `${value}`.padStart(count, "0");
  const day = digits(date.getFullYear(), 4) + digits(date.getMonth() + 1) + digits(date.getDate());
  return `${day}-${digits(date.getHours())}${digits(date.getMinutes())}${digits(date.getSeconds())}`;
}

/**
 * Creates the folder of a new run: `<root>/<recipe>-<YYYYMMDD-HHMMSS>-<seed>` in local time, with a suffix
 * `-2`, `-3`, … if that name exists; or the folder `out`. Needs `--allow-write`.
 *
 * @returns path of the folder
 * @throws InputError if it cannot be created, or if `out` exists and is not an empty folder
 */
export function createRunFolder(options: RunFolderOptions): string {
  const { recipe, seed, out, root = "runs", startedAt = new Date() } = options;
  if (!RECIPE_NAME.test(recipe)) {
    throw new RangeError(`Cannot create a run folder: expected a plain recipe name but received "${recipe}"`);
  }
  if (out !== undefined) {
    const action = `Cannot use "${out}" as the run folder`;
    try {
      Deno.mkdirSync(out, { recursive: true });
      const found = filesIn(out);
      if (found.length > 0) {
        const advice = found.includes("config.json")
          ? `resume that run with --resume ${shellWord(out)}, or `
          : "";
        throw new InputError(
          `${action}: expected a new or empty folder but found "${found[0]}" in it; ${advice}choose another`,
          { settings: ["out"] },
        );
      }
      removePartialFiles(out);
    } catch (error) {
      throw ioError(action, error);
    }
    return out;
  }
  const first = join(root, `${recipe}-${timestamp(startedAt)}-${seed}`);
  try {
    Deno.mkdirSync(root, { recursive: true });
    for (let attempt = 1;; attempt++) {
      const path = attempt === 1 ? first : `${first}-${attempt}`;
      try {
        Deno.mkdirSync(path);
        return path;
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  } catch (error) {
    throw ioError(`Cannot create the run folder "${first}"`, error);
  }
}
