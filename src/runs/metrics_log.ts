/**
 * `metrics.jsonl`: one JSON object per line, appended during training.
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { InputError, quote } from "../errors.ts";
import { ioError } from "../files/io_error.ts";
import { isRecord, parseJson } from "../files/json.ts";
import { chunksOf, openToRead } from "../files/read_file.ts";
import { openToAppend, writeAll } from "../files/write_file.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import { isScalar } from "./run_config.ts";

const METRICS_FILE = "metrics.jsonl";
const NEWLINE = 0x0a;

/** Locks a file for this process; false if another process holds the lock. True without lock support. */
function tryLock(file: Deno.FsFile): boolean {
  if (Deno.build.os === "windows") return true; // where a lock also blocks readers
  try {
    return file.tryLockSync(true);
  } catch {
    return true; // the file system does not support locks
  }
}

/** True if a process is training in a run folder; always false without lock support, as on Windows. */
export function isBeingTrained(folder: string): boolean {
  if (Deno.build.os === "windows") return false;
  try {
    using file = openToRead(join(folder, METRICS_FILE));
    return !file.tryLockSync(false);
  } catch {
    return false;
  }
}

/**
 * Appends to a run's `metrics.jsonl`: one JSON object per line, written immediately, so that a killed run
 * keeps all lines so far. JSON has no NaN and no infinities: these are written as the strings "NaN",
 * "Infinity" and "-Infinity". If a line cannot be written completely, it is removed.
 *
 * An open log is locked, which marks the run as being trained: no other process can open it. The system
 * releases the lock when the process ends, even if it is killed.
 */
export class MetricsLog {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #size = 0;
  #hash = createHash("sha256"); // of all lines

  /**
   * Opens the log and removes an incomplete last line. Needs `--allow-read` and `--allow-write`.
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
          `Cannot train in "${folder}": another process is training there; wait for it or stop it`,
        );
      }
      let length = 0;
      for (const chunk of chunksOf(this.#file)) {
        const end = chunk.lastIndexOf(NEWLINE) + 1;
        if (end > 0) this.#size = length + end;
        length += chunk.length;
      }
      if (this.#size < length) this.#file.truncateSync(this.#size);
      for (const chunk of chunksOf(this.#file, this.#size)) this.#hash.update(chunk);
    } catch (error) {
      throw ioError(`Cannot open "${this.#path}"`, error);
    }
  }

  /** Size of the log, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** SHA-256 of the log, in hex. */
  get checksum(): string {
    return this.#hash.copy().digest("hex");
  }

  /**
   * Truncates the log to an earlier {@link size}.
   *
   * @param size new size in bytes, at the end of a line
   * @param checksum the {@link checksum} that it had then; if absent, as in older checkpoints, it is not compared
   * @throws InputError if the log is shorter, the size is not at the end of a line, the lines are others, or the disk
   *   fails; the log is then unchanged
   */
  cut(size: number, checksum?: string): void {
    try {
      let length = 0, last: number | undefined = NEWLINE;
      const hash = createHash("sha256");
      for (const chunk of chunksOf(this.#file, size)) {
        length += chunk.length;
        last = chunk.at(-1);
        hash.update(chunk);
      }
      if (
        length < size || last !== NEWLINE || checksum !== undefined && hash.copy().digest("hex") !== checksum
      ) {
        throw new InputError(
          `Cannot continue "${this.#path}": expected its first ${size} bytes to be whole lines, unchanged since the ` +
            `checkpoint, but found ${
              length < size ? `only ${length}` : "others"
            }; put the file back, or remove that ` +
            "checkpoint, and --resume uses the one before it, or trains from the start if there is none",
        );
      }
      this.#file.truncateSync(size);
      this.#size = size;
      this.#hash = hash;
    } catch (error) {
      throw ioError(`Cannot truncate "${this.#path}"`, error);
    }
  }

  /**
   * Flushes all lines to disk.
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
   * @param record values of the line
   * @throws InputError if the disk is full or fails
   */
  write(record: MetricsRecord): void {
    const keepNumber = (_key: string, value: unknown) =>
      typeof value === "number" && !Number.isFinite(value) ? `${value}` : value;
    const bytes = new TextEncoder().encode(JSON.stringify(record, keepNumber) + "\n");
    try {
      writeAll(this.#file, bytes);
      this.#size += bytes.length;
      this.#hash.update(bytes);
    } catch (error) {
      try {
        this.#file.truncateSync(this.#size);
      } catch { /* the first error is the one to report */ }
      throw ioError(`Cannot append to "${this.#path}"`, error);
    }
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** True for an object of scalars, with three numbers per tensor under `tensors`. */
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

/** Maximum length of a line, in characters. */
const MAX_LINE = 2 ** 24;

/** Yields the complete lines of a file. */
function* linesOf(path: string, file: Deno.FsFile): Generator<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  for (const chunk of chunksOf(file)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > MAX_LINE) {
      throw new InputError(
        `Cannot read "${path}": expected lines but found one of more than ${MAX_LINE} characters`,
      );
    }
  }
}

/**
 * Reads a run's `metrics.jsonl`. An incomplete last line, left by a killed run, is skipped. The file itself is never in
 * memory as a whole.
 *
 * @param folder the run folder
 * @param most number of bytes to keep of a larger file: of its lines of progress, every second, third, … and the last
 *   before each measurement and the end; all measurements. Default all lines
 * @throws InputError if the file is missing or a line is not a JSON object of metrics
 */
export function readMetrics(folder: string, most: number = Infinity): MetricsRecord[] {
  const path = join(folder, METRICS_FILE);
  using file = openToRead(path);
  const every = Math.max(1, Math.ceil(file.statSync().size / most));
  const records: MetricsRecord[] = [];
  let number = 0, progress = 0, skipped: MetricsRecord | undefined;
  const keepSkipped = () => {
    if (skipped) records.push(skipped);
    skipped = undefined;
  };
  for (const line of linesOf(path, file)) {
    number++;
    const record = parseJson(line);
    if (!isMetrics(record)) {
      throw new InputError(
        `Cannot read "${path}": expected a JSON object of figures on line ${number} but found ${
          quote(line, 40)
        }; remove that line`,
      );
    }
    if (!isProgress(record)) keepSkipped();
    else if (progress++ % every !== 0) {
      skipped = record;
      continue;
    }
    skipped = undefined;
    records.push(record);
  }
  keepSkipped();
  return records;
}

/** Returns true for a line of progress; others are measurements and rollbacks. */
function isProgress(record: MetricsRecord): boolean {
  return "step" in record && !("testError" in record);
}
