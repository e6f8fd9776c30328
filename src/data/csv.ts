/**
 * CSV tables (RFC 4180) with a header: columns of numbers, and optionally a column of classes.
 * @module
 */
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "../dependencies/csv_parse.ts";
import { InputError, quote, toOneLine } from "../errors.ts";

/** The contents of one CSV file. */
export interface Csv {
  /** Numbers per row. */
  readonly width: number;
  /** The numbers, row-major: bytes from 0 to 255 if any number is above 1, else floats in [0, 1]. */
  readonly data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** Class index of each row, if there is a column of classes. */
  readonly labels: Uint8Array<ArrayBuffer> | undefined;
  /** Class names, by class index; empty without classes. */
  readonly classNames: readonly string[];
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INTEGER = /^\d{1,15}$/;
/** Classes are stored as bytes. */
const MAX_CLASSES = 256;
/** Maximum bytes per row, so that an unclosed quote cannot fill the memory. */
const MAX_ROW_BYTES = 2 ** 24;
/** Numbers per array while reading. */
const BLOCK = 2 ** 20;
/** Maximum number of header cells in a message. */
const SHOWN = 8;
/** Maximum characters of a cell in a message. */
const QUOTED = 40;

function fail(name: string, problem: string, settings: readonly string[] = []): never {
  throw new InputError(`Cannot read "${name}": ${problem}`, { settings });
}

/** Line number, from 1, of the first bytes that are not UTF-8; undefined if there are none. */
function badLine(bytes: Uint8Array): number | undefined {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const isText = (part: Uint8Array) => {
    try {
      decoder.decode(part);
      return true;
    } catch {
      return false;
    }
  };
  if (isText(bytes)) return undefined;
  // UTF-8 has no line feed inside other characters, so lines can be checked one by one
  for (let line = 1, from = 0;; line++) {
    const end = bytes.indexOf(0x0a, from), to = end < 0 ? bytes.length : end + 1;
    if (!isText(bytes.subarray(from, to))) return line;
    from = to;
  }
}

/** Yields the same bytes in parts that end with whole lines, checked to be UTF-8. */
function* wholeLines(parts: Iterable<Uint8Array>, name: string): Generator<Uint8Array> {
  let before = 0; // number of line feeds so far
  const check = (bytes: Uint8Array) => {
    const bad = badLine(bytes);
    if (bad !== undefined) {
      fail(name, `expected UTF-8 text but found other bytes in line ${before + bad}; save it as UTF-8`);
    }
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) before++;
    return bytes;
  };
  let rest = new Uint8Array();
  for (const part of parts) {
    const bytes = new Uint8Array(rest.length + part.length);
    bytes.set(rest);
    bytes.set(part, rest.length);
    const end = Math.max(bytes.lastIndexOf(0x0a), bytes.lastIndexOf(0x0d)) + 1;
    if (end > 0) yield check(bytes.subarray(0, end));
    rest = bytes.subarray(end);
    if (rest.length > MAX_ROW_BYTES) {
      fail(name, `expected lines of at most ${MAX_ROW_BYTES} bytes but line ${before + 1} has more`);
    }
  }
  yield check(rest);
}

/** Growing list of numbers, stored as bytes until the first fraction. */
class Numbers {
  #blocks: (Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>)[] = [];
  #count = 0;
  /** Description of the first number above 1, if any. */
  aboveOne: string | undefined;
  /** Description of the first fraction, if any. */
  fraction: string | undefined;

  /** Appends a number in [0, 255]. */
  push(value: number, where: () => string): void {
    if (value > 1) this.aboveOne ??= where();
    if (this.fraction === undefined && !Number.isInteger(value)) {
      this.fraction = where();
      this.#blocks = this.#blocks.map((block) => new Float32Array(block));
    }
    const place = this.#count++ % BLOCK;
    if (place === 0) {
      this.#blocks.push(this.fraction === undefined ? new Uint8Array(BLOCK) : new Float32Array(BLOCK));
    }
    this.#blocks[this.#blocks.length - 1][place] = value;
  }

  /** Returns all numbers, as bytes if one is above 1, else as floats. */
  finish(): Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
    const count = this.#count;
    const values = this.aboveOne === undefined ? new Float32Array(count) : new Uint8Array(count);
    for (let at = 0; at < count; at += BLOCK) {
      values.set(this.#blocks.shift()!.subarray(0, count - at), at); // shift() frees the block
    }
    return values;
  }
}

/** Converts class texts to indices: integers up to 255 are kept, other texts are numbered in sorted order. */
function classes(texts: readonly string[], label: string, name: string): Pick<Csv, "labels" | "classNames"> {
  const numbers = texts.every((text) => INTEGER.test(text)) ? texts.map(Number) : undefined;
  const greatest = numbers?.reduce((most, value) => Math.max(most, value), 0) ?? Infinity;
  if (numbers && greatest < MAX_CLASSES) {
    const classNames = Array.from({ length: greatest + 1 }, (_, k) => `${k}`);
    return { labels: Uint8Array.from(numbers), classNames };
  }
  const classNames = [...new Set(texts)].sort();
  if (classNames.length > MAX_CLASSES) {
    fail(
      name,
      `expected at most ${MAX_CLASSES} classes in column ${
        quote(label, QUOTED)
      } but found ${classNames.length}; ` +
        "name a column of classes",
      ["label"],
    );
  }
  const index = new Map(classNames.map((text, k) => [text, k]));
  return { labels: Uint8Array.from(texts, (text) => index.get(text)!), classNames };
}

/**
 * Reads a CSV file: a header, then rows of numbers. If any number is above 1, all must be integers from 0 to
 * 255, which are returned as bytes; otherwise all must be in [0, 1] and are returned as 32-bit floats.
 *
 * @param parts consecutive parts of the file, UTF-8; only a few are in memory at once
 * @param name the file's name for messages
 * @param label name of the column with classes, integers or words; all other columns are numbers
 * @throws {InputError} if the file is not such a table, with line and column
 */
export async function readCsv(parts: Iterable<Uint8Array>, name: string, label?: string): Promise<Csv> {
  const numbers = new Numbers();
  const texts: string[] = [], known = new Map<string, string>(); // one copy of each text
  let header: readonly string[] | undefined;
  let labelAt = -1;

  const readHeader = (cells: readonly string[]): void => {
    header = cells;
    const named = cells.slice(0, SHOWN).map((cell) => quote(cell, QUOTED)).join(", ") +
      (cells.length > SHOWN ? ", …" : "");
    if (cells.every((cell) => NUMBER.test(cell.trim()))) {
      fail(
        name,
        `expected a header with column names in line 1 but found the numbers ${named}; put a header above them`,
      );
    }
    if (label === undefined) return;
    labelAt = cells.indexOf(label);
    if (labelAt < 0) {
      fail(
        name,
        `expected a column ${quote(label, QUOTED)} but found ${named} in line 1; name one of these`,
        ["label"],
      );
    }
    if (cells.includes(label, labelAt + 1)) {
      fail(name, `expected one column ${quote(label, QUOTED)} but found several in line 1; rename one`);
    }
    if (cells.length === 1) {
      fail(name, `expected columns of numbers besides ${quote(label, QUOTED)} but found none in line 1`);
    }
  };

  const readRow = (cells: readonly string[], line: number): void => {
    cells.forEach((cell, at) => {
      const trimmed = cell.trim();
      const where = () => `${quote(cell, QUOTED)} in line ${line}, column ${quote(header![at], QUOTED)}`;
      if (at === labelAt) {
        if (trimmed === "") fail(name, `expected a class but found ${where()}`);
        if (!known.has(trimmed)) known.set(trimmed, trimmed);
        texts.push(known.get(trimmed)!);
        return;
      }
      const value = NUMBER.test(trimmed) ? Number(trimmed) : NaN;
      if (!(value >= 0 && value <= 255)) {
        const isText = Number.isNaN(value) && labelAt < 0;
        fail(
          name,
          `expected numbers in [0, 1], or whole numbers from 0 to 255, but found ${where()}` +
            (isText ? "; name a column of classes" : ""),
          isText ? ["label"] : [],
        );
      }
      numbers.push(value, where);
      if (numbers.aboveOne !== undefined && numbers.fraction !== undefined) {
        fail(
          name,
          `expected numbers in [0, 1], or whole numbers from 0 to 255, but found both ${numbers.aboveOne} and ` +
            `${numbers.fraction}; scale them all to [0, 1]`,
        );
      }
    });
  };

  try {
    const parser = parse({
      bom: true,
      max_record_size: MAX_ROW_BYTES,
      skip_empty_lines: true,
      record_delimiter: ["\r\n", "\n", "\r"], // explicit, as detecting them costs 1 µs per character
      on_record: (cells: string[], { lines }) => {
        if (header) readRow(cells, lines);
        else readHeader(cells);
        return null; // keeps no records in memory
      },
    });
    await pipeline(wholeLines(parts, name), parser.resume());
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    fail(name, `expected valid CSV but found an error: ${toOneLine(error.message)}; fix that line`);
  }
  const data = numbers.finish();
  if (!header || data.length === 0) {
    fail(name, `expected a header and rows of numbers but ${header ? "found no rows" : "it is empty"}`);
  }
  return {
    width: header.length - (labelAt < 0 ? 0 : 1),
    data,
    ...(label === undefined ? { labels: undefined, classNames: [] } : classes(texts, label, name)),
  };
}
