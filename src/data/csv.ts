/**
 * Tables as CSV (RFC 4180) with a header: numbers, and perhaps a column of classes.
 * @module
 */
import { CsvError, parse } from "csv-parse/sync";
import { InputError, oneLine, shown } from "../errors.ts";

/** The contents of one CSV file. */
export interface Csv {
  /** Numbers of a row. */
  readonly width: number;
  /** Whole numbers from 0 to 255 as bytes if there is one above 1; otherwise floats in [0, 1]. Row-major. */
  readonly data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** One class index per row, if a column holds classes. */
  readonly labels: Uint8Array<ArrayBuffer> | undefined;
  /** What each index means; empty without classes. */
  readonly classNames: readonly string[];
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INTEGER = /^\d{1,15}$/;
/** Classes are kept as bytes. */
const MAX_CLASSES = 256;
/** Header cells that a message names. */
const SHOWN = 8;
/** Characters of a cell that a message shows. */
const QUOTED = 40;

function fail(name: string, problem: string): never {
  throw new InputError(`Cannot read "${name}": ${problem}`);
}

/** The bytes as text. */
function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes); // takes a byte order mark away
  } catch {
    // no line feed is a part of another character, so the lines can be tried one by one
    const decoder = new TextDecoder("utf-8", { fatal: true });
    for (let line = 1, from = 0; from < bytes.length; line++) {
      const end = bytes.indexOf(0x0a, from);
      const to = end < 0 ? bytes.length : end + 1;
      try {
        decoder.decode(bytes.subarray(from, to));
      } catch {
        fail(name, `expected UTF-8 text but found other bytes in line ${line}; save it as UTF-8`);
      }
      from = to;
    }
    fail(name, "expected UTF-8 text but found other bytes; save it as UTF-8");
  }
}

/** Numbers as they come, and what is known of them so far. */
class Numbers {
  #values = new Float32Array(1024);
  #count = 0;
  /** The first number above 1, in words; absent if there is none. */
  aboveOne: string | undefined;
  /** The first number that is not whole, in words; absent if there is none. */
  fraction: string | undefined;

  push(value: number, where: () => string): void {
    if (this.#count === this.#values.length) {
      const longer = new Float32Array(2 * this.#count);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#count++] = value;
    if (value > 1) this.aboveOne ??= where();
    if (!Number.isInteger(value)) this.fraction ??= where();
  }

  /** Bytes if there was a number above 1, else floats. */
  finish(): Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
    const values = this.#values.slice(0, this.#count);
    return this.aboveOne === undefined ? values : Uint8Array.from(values);
  }
}

/** Class texts as indices: whole numbers up to 255 stay what they are, other texts are numbered in sorted order. */
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
        shown(label, QUOTED)
      } but found ${classNames.length}; ` +
        "name a column of classes with --label",
    );
  }
  const index = new Map(classNames.map((text, k) => [text, k]));
  return { labels: Uint8Array.from(texts, (text) => index.get(text)!), classNames };
}

/**
 * Reads a CSV file: a header, then rows of numbers. If a number is above 1, all must be whole numbers from 0 to 255
 * and become bytes; otherwise all must be in [0, 1] and become 32-bit floats.
 *
 * @param bytes the file, UTF-8
 * @param name the file's name for messages
 * @param label the column that holds classes, whole numbers or words; every other column holds numbers
 * @throws {InputError} on anything else, in one line with the line and the column
 */
export function readCsv(bytes: Uint8Array<ArrayBuffer>, name: string, label?: string): Csv {
  const text = decode(bytes, name);
  const numbers = new Numbers();
  const texts: string[] = [];
  let header: readonly string[] | undefined;
  let labelAt = -1;

  const readHeader = (cells: readonly string[]): void => {
    header = cells;
    const named = cells.slice(0, SHOWN).map((cell) => shown(cell, QUOTED)).join(", ") +
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
        `expected a column ${
          shown(label, QUOTED)
        }, as --label says, but found ${named} in line 1; name one of these`,
      );
    }
    if (cells.includes(label, labelAt + 1)) {
      fail(name, `expected one column ${shown(label, QUOTED)} but found several in line 1; rename one`);
    }
    if (cells.length === 1) {
      fail(name, `expected columns of numbers besides ${shown(label, QUOTED)} but found none in line 1`);
    }
  };

  const readRow = (cells: readonly string[], line: number): void => {
    cells.forEach((cell, at) => {
      const trimmed = cell.trim();
      const where = () => `${shown(cell, QUOTED)} in line ${line}, column ${shown(header![at], QUOTED)}`;
      if (at === labelAt) {
        if (trimmed === "") fail(name, `expected a class but found ${where()}`);
        texts.push(trimmed);
        return;
      }
      const value = NUMBER.test(trimmed) ? Number(trimmed) : NaN;
      if (!(value >= 0 && value <= 255)) {
        const advice = Number.isNaN(value) && labelAt < 0 ? "; name a column of classes with --label" : "";
        fail(
          name,
          `expected numbers in [0, 1], or whole numbers from 0 to 255, but found ${where()}${advice}`,
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
    parse(text, {
      skip_empty_lines: true,
      record_delimiter: ["\r\n", "\n", "\r"], // named, for looking for them takes 1 µs a character
      on_record: (cells: string[], { lines }) => {
        if (header) readRow(cells, lines);
        else readHeader(cells);
        return null; // nothing is kept
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    fail(name, `it is no valid CSV: ${oneLine(error.message)}; mend that line`);
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
