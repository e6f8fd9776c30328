/**
 * The folder that a training run leaves behind: `config.json` (what was asked for), `metrics.jsonl` (one JSON
 * object a line, written as training goes) and whatever else a recipe saves. Nothing that exists is ever
 * overwritten by a new run, and no file is ever half written under its final name.
 * @module
 */

import { join } from "node:path";
import { InputError } from "../errors.ts";
import { ioError } from "../files/io_error.ts";

/** What a recipe may be called: a part of a folder's name. */
export const RECIPE_NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** What a new run folder is made from. */
export interface RunFolderOptions {
  /** The recipe's name: lower-case letters, digits, `-` and `_`. */
  readonly recipe: string;
  /** The run's seed. */
  readonly seed: number;
  /** The folder to use instead of one under `root`; it must be new or empty. */
  readonly out?: string | undefined;
  /** The folder that holds all runs; `runs` if not given. */
  readonly root?: string;
  /** When the run began; now if not given. */
  readonly startedAt?: Date;
}

/** `20260102-030405`, in local time. */
function timestamp(date: Date): string {
  const digits = (value: number, count = 2) => `${value}`.padStart(count, "0");
  const day = digits(date.getFullYear(), 4) + digits(date.getMonth() + 1) + digits(date.getDate());
  return `${day}-${digits(date.getHours())}${digits(date.getMinutes())}${digits(date.getSeconds())}`;
}

/**
 * Makes the folder of a new run: `<root>/<recipe>-<YYYYMMDD-HHMMSS>-<seed>` in local time, with `-2`, `-3` … if
 * there is one of that name already; or the folder named by `out`. Needs `--allow-write` for it.
 *
 * @returns the folder's path
 * @throws InputError if it cannot be made, or if `out` exists and is not an empty folder
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
      for (const entry of Deno.readDirSync(out)) {
        throw new InputError(
          `${action}: expected a new or empty folder but found "${entry.name}" in it; choose another`,
          { settings: ["out"] },
        );
      }
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
