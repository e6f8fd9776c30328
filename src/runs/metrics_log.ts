/**
 * `metrics.jsonl`: one JSON object a line, written as training goes.
 * @module
 */

import { join } from "node:path";
import { InputError, quote } from "../errors.ts";
import { ioError } from "../files/io_error.ts";
import { isRecord, parseJson } from "../files/json.ts";
import { readText } from "../files/read_file.ts";
import { openToAppend, writeAll } from "../files/write_file.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import { isScalar } from "./run_config.ts";

const METRICS_FILE = "metrics.jsonl";

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
      this.#file = openToAppend(this.#path);
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
          quote(line, 40)
        }; remove that line`,
      );
    }
    return record;
  });
}
