/**
 * The folder that a training run leaves behind: `config.json` (what was asked for), `metrics.jsonl` (one JSON
 * object a line, written as training goes) and whatever else a recipe saves. Nothing that exists is ever
 * overwritten by a new run, and no file is ever half written under its final name.
 * @module
 */

import { basename, dirname, join } from "node:path";
import { InputError, shown } from "../errors.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import { ioError } from "../files/io_error.ts";
import { readText } from "../files/read_file.ts";

const CONFIG_FILE = "config.json";
const METRICS_FILE = "metrics.jsonl";
const RECIPE_NAME = /^[a-z0-9][a-z0-9_-]*$/;
const CONFIG_FORMAT = "bottleneck-run-1";

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

/** What `config.json` holds. */
export interface RunConfig {
  /** The recipe's name. */
  readonly recipe: string;
  /** When the run began: ISO 8601, UTC. */
  readonly startedAt: string;
  /** The recipe's configuration, by camelCase key. A flag without a value is absent. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What was found, such as the GPU's name and the number of images. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A run that was read back. */
export interface Run extends RunConfig {
  /** The run's folder. */
  readonly path: string;
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
          `${action}: expected a new or empty folder but found "${entry.name}" in it; choose another with --out`,
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

/** Locks a file for this process; false if another has it. Where there are no locks, nobody can be told apart. */
function tryLock(file: Deno.FsFile): boolean {
  if (Deno.build.os === "windows") return true; // where a lock keeps readers out too
  try {
    return file.tryLockSync(true);
  } catch {
    return true; // the file system has no locks
  }
}

/** Whether a process is training in a run folder. On Windows, and where files have no locks, nobody can be seen. */
export function isBeingTrained(folder: string): boolean {
  if (Deno.build.os === "windows") return false;
  try {
    using file = Deno.openSync(join(folder, METRICS_FILE));
    return !file.tryLockSync(false);
  } catch {
    return false;
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
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

/**
 * Writes `config.json` into a run folder. Values that are undefined are left out.
 *
 * @param path the run folder
 * @param run what to write
 * @throws InputError if it cannot be written
 */
export function writeConfig(path: string, run: RunConfig): void {
  const { recipe, startedAt, config, facts } = run;
  const text = JSON.stringify({ format: CONFIG_FORMAT, recipe, startedAt, config, facts }, null, 2);
  writeFileAtomic(join(path, CONFIG_FILE), text + "\n");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON text's value, or undefined if it is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads a run folder back.
 *
 * @param path the run folder
 * @param needs the files that must be in it besides `config.json`, such as `model.safetensors`
 * @throws InputError if the folder or one of its files is missing, or `config.json` is damaged
 */
export function readRun(path: string, needs: readonly string[] = []): Run {
  const action = `Cannot read the run "${path}"`;
  let text = "";
  try {
    if (!Deno.statSync(path).isDirectory) {
      throw new InputError(
        `${action}: expected a run folder but found a file; name the folder that holds it`,
      );
    }
    const present = new Set([...Deno.readDirSync(path)].map((entry) => entry.name));
    const missing = [CONFIG_FILE, ...needs].filter((name) => !present.has(name));
    if (missing.length > 0) {
      const list = missing.map((name) => `"${name}"`).join(" and ");
      throw new InputError(`${action}: ${list} is missing; name the folder of a run that has finished`);
    }
    text = readText(join(path, CONFIG_FILE));
  } catch (error) {
    throw ioError(action, error);
  }
  const refuse = (expected: string, found: unknown): InputError => {
    const what = found === undefined ? "something else" : shown(found);
    return new InputError(`${action}: expected ${expected} in ${CONFIG_FILE} but found ${what}; train again`);
  };
  const stored = parseJson(text);
  if (!isRecord(stored)) throw refuse("a JSON object", undefined);
  if (stored.format !== CONFIG_FORMAT) throw refuse(`"format": "${CONFIG_FORMAT}"`, stored.format);
  const { recipe, startedAt, config, facts } = stored;
  if (typeof recipe !== "string") throw refuse(`a text as "recipe"`, recipe);
  if (!RECIPE_NAME.test(recipe)) throw refuse(`a plain name as "recipe"`, recipe);
  if (typeof startedAt !== "string") throw refuse(`a text as "startedAt"`, startedAt);
  if (!isRecord(config)) throw refuse(`an object as "config"`, config);
  if (!Object.values(config).every(isSetting)) throw refuse(`values or lists in "config"`, config);
  if (!isRecord(facts)) throw refuse(`an object as "facts"`, facts);
  if (!isFacts(facts)) throw refuse(`values, lists and groups of them in "facts"`, facts);
  return { path, recipe, startedAt, config, facts };
}

/** What a setting may be: one value or a list of them. */
function isSetting(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isScalar) : isScalar(value);
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** Settings by name, in groups and groups of groups. */
function isFacts(value: unknown, depth = 4): boolean {
  return isSetting(value) ||
    isRecord(value) && depth > 0 && Object.values(value).every((item) => isFacts(item, depth - 1));
}

/**
 * Appends to a run's `metrics.jsonl`: one JSON object a line, handed to the system at once, so that a run that
 * is killed keeps every line so far. JSON has no NaN and no infinities: these are written as the texts "NaN",
 * "Infinity" and "-Infinity". If a line cannot be written whole, its beginning is taken back.
 *
 * While it is open, no other process can open it here: a lock says that the run is being trained. The system takes
 * the lock back from a process that ends, in whatever way.
 */
export class MetricsLog {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #size = 0;

  /**
   * Opens the log; a line that an earlier process left unfinished is cut off. Needs `--allow-read` and
   * `--allow-write`.
   *
   * @param folder the run folder
   * @throws InputError if the file cannot be opened, or another process has it open
   */
  constructor(folder: string) {
    this.#path = join(folder, METRICS_FILE);
    try {
      this.#file = Deno.openSync(this.#path, { read: true, append: true, create: true });
      if (!tryLock(this.#file)) {
        this.#file.close();
        throw new InputError(
          `Cannot train in "${folder}": another process is training there; wait for it, or stop it first`,
        );
      }
      const bytes = Deno.readFileSync(this.#path);
      this.#size = bytes.lastIndexOf(0x0a) + 1;
      if (this.#size < bytes.length) this.#file.truncateSync(this.#size);
    } catch (error) {
      throw ioError(`Cannot open "${this.#path}"`, error);
    }
  }

  /** Bytes of the lines so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes lines back, down to an earlier {@link size}.
   *
   * @param size bytes that remain, which must be whole lines
   * @throws InputError if there are fewer, or they are no whole lines, or the disk fails
   */
  cut(size: number): void {
    try {
      const kept = Deno.readFileSync(this.#path).subarray(0, size);
      if (kept.length < size || (size > 0 && kept[size - 1] !== 0x0a)) {
        throw new InputError(
          `Cannot go back in "${this.#path}": expected whole lines up to byte ${size}, as the checkpoint says, ` +
            `but it has ${this.#size} bytes or other lines; the file was changed`,
        );
      }
      this.#file.truncateSync(size);
      this.#size = size;
    } catch (error) {
      throw ioError(`Cannot cut "${this.#path}"`, error);
    }
  }

  /**
   * Waits until all lines are on the disk.
   *
   * @throws InputError if the disk fails
   */
  sync(): void {
    try {
      this.#file.syncSync();
    } catch (error) {
      throw ioError(`Cannot write "${this.#path}"`, error);
    }
  }

  /**
   * Appends one line.
   *
   * @param record the line's values
   * @throws InputError if the disk is full or fails
   */
  write(record: MetricsRecord): void {
    const keepNumber = (_key: string, value: unknown) =>
      typeof value === "number" && !Number.isFinite(value) ? `${value}` : value;
    const bytes = new TextEncoder().encode(JSON.stringify(record, keepNumber) + "\n");
    try {
      writeAll(this.#file, bytes);
      this.#size += bytes.length;
    } catch (error) {
      try {
        this.#file.truncateSync(this.#size);
      } catch { /* the first error is the one to report */ }
      throw ioError(`Cannot append to "${this.#path}"`, error);
    }
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Figures and words, and under `tensors` three figures for each tensor. */
function isMetrics(record: unknown): record is MetricsRecord {
  if (!isRecord(record)) return false;
  const { tensors = {}, ...figures } = record;
  return Object.values(figures).every((value) => value !== null && isScalar(value)) &&
    isRecord(tensors) && Object.values(tensors).every((tensor) =>
      isRecord(tensor) &&
      [tensor.gradientNorm, tensor.weightNorm, tensor.updateRatio].every((value) =>
        typeof value === "number" && value >= 0
      )
    );
}

/**
 * Reads a run's `metrics.jsonl`. A last line without its line end, left by a run that was killed, is skipped.
 *
 * @param folder the run folder
 * @throws InputError if the file is missing or a line is not a JSON object
 */
export function readMetrics(folder: string): MetricsRecord[] {
  const path = join(folder, METRICS_FILE);
  return readText(path).split("\n").slice(0, -1).map((line, i) => {
    const record = parseJson(line);
    if (!isMetrics(record)) {
      throw new InputError(
        `Cannot read "${path}": expected a JSON object of figures on line ${i + 1} but found ${
          shown(line, 40)
        }; remove that line`,
      );
    }
    return record;
  });
}
